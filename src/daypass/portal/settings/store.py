"""The database access for settings, and a typed view of their values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, bindparam, delete, insert, or_, select

from daypass.portal.errors import InvalidRequest
from daypass.portal.settings.registry import TENANT, Setting, find
from daypass.portal.storage.prepared import Prepared
from daypass.portal.storage.schema import settings

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


ADD_SETTING = insert(settings)
REMOVE_SETTING = delete(settings).where(
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
class Values:
    """The effective settings of the system and, if one was given, of a tenant.

    Stored values are validated again when they are read: an invalid value counts as not set.
    """

    rows: Mapping[tuple[str, str], str]

    def flag(self, setting: Setting) -> bool:
        """Return whether a flag is on."""
        return self._value(setting) is True

    def duration(self, setting: Setting) -> timedelta | None:
        """Return the value of a duration setting, or None if it is not set and has no default."""
        value = self._value(setting)
        return value if isinstance(value, timedelta) else None

    def _value(self, setting: Setting) -> bool | timedelta | None:
        return setting.effective_value(self.rows.get((setting.type, setting.key)))


class SettingStore:
    """The settings of the system and of tenants in the database."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def read(self, tenant_id: str | None) -> Values:
        """Return the effective settings of the system and, if an id is given, of a tenant."""
        rows = _READ.all(self._connection, {"tenant": tenant_id})
        return Values({(type_, key): value for type_, key, value in rows})

    def list_for(self, tenant_id: str) -> Sequence[StoredSetting]:
        """Return the stored settings of one tenant, or of `SYSTEM`, by type and key."""
        return [StoredSetting(*row) for row in self._connection.execute(_LIST, {"tenant": tenant_id})]

    def put(self, tenant_id: str, type_: str, key: str, value: str, *, by: str, now: datetime) -> None:
        """Set or replace one setting; raises `InvalidRequest` if its value is out of bounds."""
        check_value(type_, key, value)
        key_columns = setting_key(tenant_id, type_, key)
        self._connection.execute(REMOVE_SETTING, key_columns)
        self._connection.execute(
            ADD_SETTING, {**key_columns, "value": value, "updated_at": now, "updated_by": by}
        )

    def remove(self, tenant_id: str, type_: str, key: str) -> bool:
        """Remove one setting, so that its default applies; return whether it was set."""
        removed = self._connection.execute(REMOVE_SETTING, setting_key(tenant_id, type_, key))
        return removed.rowcount == 1


def check_value(type_: str, key: str, value: str) -> None:
    """Raise `InvalidRequest` unless the setting accepts *value*; an unknown key accepts any."""
    setting = find(type_, key)
    if setting is not None and setting.parse(value) is None:
        raise InvalidRequest(f"“{setting.label}” takes {setting.accepted_values}.")


def setting_key(tenant_id: str, type_: str, key: str) -> dict[str, object]:
    """Return the key parameters of `REMOVE_SETTING` and `ADD_SETTING`."""
    return {"tenant_id": tenant_id, "type": type_, "key": key}
