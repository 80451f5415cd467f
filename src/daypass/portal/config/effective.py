"""The effective configuration, without secrets: the value of each variable and where it is from."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from daypass.portal.config.model import PortalConfig
from daypass.portal.config.reader import read_region
from daypass.portal.config.values import Source, Values
from daypass.portal.config.variables import (
    AWS_CONSOLE_URL,
    AWS_REGION,
    AWS_SIGNIN_URL,
    CONFIG,
    DATABASE_URL,
    PUBLIC_URL,
    ConfigError,
    Variable,
)


@dataclass(frozen=True, slots=True)
class EffectiveValue:
    """The value of a variable in a form that may be shown."""

    name: str
    value: str | None
    """The text with its secret masked; None if it is not set and has no default, or if it is invalid."""
    source: Source | None
    """None if it cannot be read."""
    path: Path | None = None
    """The file that it is from."""
    line: int | None = None
    """The line in the configuration file, if it is known."""
    is_valid: bool = True


def effective_values(values: Values, config: PortalConfig | None) -> Sequence[EffectiveValue]:
    """Return the value of each variable; *config* is the configuration that they make, if they are valid."""
    return [_effective(values, variable, config) for variable in values.variables]


def _effective(values: Values, variable: Variable[object], config: PortalConfig | None) -> EffectiveValue:
    try:
        stated = values.find(variable)
    except ConfigError:
        return EffectiveValue(variable.name, None, None, is_valid=False)
    origin = (stated.source, stated.path, stated.line)
    try:
        text = stated.text and _text_of_valid(values, variable, stated.text)
    except ConfigError:
        # An invalid value is not shown, because it may be a secret in the wrong place.
        return EffectiveValue(variable.name, None, *origin, is_valid=False)
    text = text or _computed_default(values, variable, config)
    shown = text if variable.mask is None or not text else variable.mask(text)
    return EffectiveValue(variable.name, shown or None, *origin)


def _text_of_valid(values: Values, variable: Variable[object], text: str) -> str:
    values.get(variable)
    if variable is AWS_REGION:
        read_region(values)
    if variable is CONFIG and not values.is_complete:
        raise ConfigError
    return text


def _computed_default(values: Values, variable: Variable[object], config: PortalConfig | None) -> str:
    """Return the default that depends on other values, or "" if there is none."""
    if variable is CONFIG:
        return "" if values.file is None else str(values.file)
    if config is None:
        return ""
    computed = {
        DATABASE_URL.name: config.database_url,
        PUBLIC_URL.name: config.public_url,
        AWS_SIGNIN_URL.name: config.aws.signin_url,
        AWS_CONSOLE_URL.name: config.aws.console_url,
    }
    return computed.get(variable.name) or ""
