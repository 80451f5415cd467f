"""The database access for settings, and a typed view of their values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, delete, insert, or_, select

from daypass.portal.settings.codecs import T
from daypass.portal.settings.setting import TENANT, Setting
from daypass.portal.storage.prepared import Prepared
from daypass.portal.storage.schema.administration import settings
from daypass.portal.storage.unit_of_work import RowChange

SYSTEM = ""
"""The value of `tenant_id` for system-wide settings."""

_READ = Prepared(
    select(settings.c.type, settings.c.key, settings.c.value).where(
        # A row with a system type and a tenant's id, or the other way round, has no effect.
        or_(
            and_(settings.c.tenant_id == SYSTEM, settings.c.type != TENANT),
            and_(settings.c.tenant_id == bindparam("tenant"), settings.c.type == TENANT),
        )
    )
)

_LIST = (
    select(
        settings.c.type,
        settings.c.key,
        settings.c.value,
        settings.c.updated_at,
        settings.c.updated_by,
    )
    .where(settings.c.tenant_id == bindparam("tenant"))
    .order_by(settings.c.type, settings.c.key)
)

_ADD = insert(settings)
_REMOVE = delete(settings).where(
    settings.c.tenant_id == bindparam("tenant_id"),
    settings.c.type == bindparam("type"),
    settings.c.key == bindparam("key"),
)


@dataclass(frozen=True, slots=True)
class StoredSetting:
    """One stored setting, whether or not the registry knows it."""

    type: str
    key: str
    value: str
    updated_at: datetime
    updated_by: str


@dataclass(frozen=True, slots=True)
class EffectiveSettings:
    """The effective settings of the system and, if one was given, of a tenant.

    Stored values are validated again when they are read: an invalid value counts as not set.
    """

    texts: Mapping[tuple[str, str], str]
    """The stored texts by type and key."""

    def get(self, setting: Setting[T]) -> T:
        """Return the effective value of a setting that has a default; raises `LookupError` for another."""
        value = self.get_optional(setting)
        if value is None:
            raise LookupError(f"“{setting.label}” is not set and has no default")
        return value

    def get_optional(self, setting: Setting[T]) -> T | None:
        """Return the effective value; None if the setting has no default and is not set."""
        value = setting.parse_stored(self.texts.get((setting.type, setting.key)))
        return setting.default if value is None else value


class SettingStore:
    """The settings of the system and of tenants in the database."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def read(self, tenant_id: str | None) -> EffectiveSettings:
        """Return the effective settings of the system and, if an id is given, of a tenant."""
        rows = _READ.all(self._connection, {"tenant": tenant_id})
        return EffectiveSettings({(type_, key): value for type_, key, value in rows})

    def list_for(self, tenant_id: str) -> Sequence[StoredSetting]:
        """Return the stored settings of one tenant, or of `SYSTEM`, by type and key."""
        return [StoredSetting(*row) for row in self._connection.execute(_LIST, {"tenant": tenant_id})]


def put_setting(
    tenant_id: str, type_: str, key: str, value: str, *, by: str, at: datetime
) -> tuple[RowChange, ...]:
    """Return the changes that set or replace a setting, whose value was checked; *by* is the author's id."""
    row = {**_key(tenant_id, type_, key), "value": value, "updated_at": at, "updated_by": by}
    return remove_setting(tenant_id, type_, key), RowChange(_ADD, row)


def remove_setting(tenant_id: str, type_: str, key: str) -> RowChange:
    """Return the change that removes a setting."""
    return RowChange(_REMOVE, _key(tenant_id, type_, key))


def _key(tenant_id: str, type_: str, key: str) -> dict[str, object]:
    return {"tenant_id": tenant_id, "type": type_, "key": key}
