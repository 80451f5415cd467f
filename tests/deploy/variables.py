"""The names under which a deployment may set the portal's configuration variables."""

from daypass.portal.config.variables import VARIABLES

VARIABLE_NAMES = {variable.name for variable in VARIABLES} | {"DAYPASS_CONFIG"}
FILE_NAMES = {f"{name}_FILE" for name in VARIABLE_NAMES}
TOML_KEYS = {name.removeprefix("DAYPASS_").lower() for name in VARIABLE_NAMES}
