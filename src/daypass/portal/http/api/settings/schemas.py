"""The schemas of the calls about settings."""

from typing import Annotated

from pydantic import BaseModel, Field, JsonValue

from daypass.portal.http.api.schema import Moment, Paged, RequestBody, Version, example
from daypass.portal.settings.registry import REGISTRY


class SettingRead(BaseModel):
    """A setting that has a value."""

    type: Annotated[str, Field(description="The type of the setting. Empty for a tenant's setting.")]
    key: str
    value: str
    tenant: Annotated[str | None, Field(description="The tenant's name, or null for a system setting.")]
    label: Annotated[str | None, Field(description="The display name, or null if the key is unknown.")]
    in_force: Annotated[bool, Field(description="Whether the value is in effect.")]
    changed_at: Moment
    changed_by: str
    version: Version


# A type of setting is described by its codec alone, so there is no enumeration of types to refer to.
_SETTING_KINDS: list[JsonValue] = list(dict.fromkeys(setting.codec.kind for setting in REGISTRY))


class KnownSetting(BaseModel):
    """The definition of a setting that the portal supports."""

    type: str
    key: str
    label: str
    help: Annotated[str, Field(description="The effect of the setting.")]
    kind: Annotated[str, Field(json_schema_extra={"enum": _SETTING_KINDS})]
    per_tenant: bool
    default: Annotated[str | None, Field(description="The default value, or null for the default of AWS.")]
    takes: Annotated[str, Field(description="The allowed values, as text.")]


class SettingList(BaseModel):
    """The settings that have a value, and the definitions of all settings."""

    settings: list[SettingRead]
    known: list[KnownSetting]


class SettingPage(Paged):
    """A page of the settings of all tenants."""

    settings: list[SettingRead]


class SettingWrite(RequestBody):
    """The request to create or update a setting."""

    model_config = example(value="7200")

    value: Annotated[str, Field(max_length=4000)]
