"""What is set: rows, and the typed view of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, bindparam, delete, insert, or_, select

from daypass.portal.errors import InvalidRequest
from daypass.portal.settings.registry import TENANT, Setting, find
from daypass.portal.storage.prepared import Prepared
from daypass.portal.storage.schema import settings

SYSTEM = ""
"""In place of a tenant's id: the whole system."""

_READ = Prepared(
    select(settings.c.type, settings.c.key, settings.c.value).where(
        # What was written for a tenant never counts as the system's, nor the other way round.
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
    """One row as it was written, known to the registry or not."""

    type: str
    key: str
    value: str
    updated_at: datetime
    updated_by: str


@dataclass(frozen=True, slots=True)
class Values:
    """Settings in force for the system and, where read for one, a tenant.

    What is stored is checked again when it is read: a bad value counts as not set.
    """

    rows: Mapping[tuple[str, str], str]

    def flag(self, setting: Setting) -> bool:
        """Whether a flag is on."""
        return self._value(setting) is True

    def duration(self, setting: Setting) -> timedelta | None:
        """A length of time; None where nothing is set and the setting has no default."""
        value = self._value(setting)
        return value if isinstance(value, timedelta) else None

    def _value(self, setting: Setting) -> bool | timedelta | None:
        return setting.in_force(self.rows.get((setting.type, setting.key)))


class SettingStore:
    """Settings of the system and of tenants."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def read(self, tenant_id: str | None) -> Values:
        """What is in force for the system and, if one is named, a tenant."""
        rows = _READ.all(self._connection, {"tenant": tenant_id})
        return Values({(type_, key): value for type_, key, value in rows})

    def list_for(self, tenant_id: str) -> Sequence[StoredSetting]:
        """The rows of one tenant, or of `SYSTEM`, by type and key."""
        return [StoredSetting(*row) for row in self._connection.execute(_LIST, {"tenant": tenant_id})]

    def put(self, tenant_id: str, type_: str, key: str, value: str, *, by: str, now: datetime) -> None:
        """Write one setting over whatever was there; a known one only within its bounds."""
        check_value(type_, key, value)
        place = setting_place(tenant_id, type_, key)
        self._connection.execute(REMOVE_SETTING, place)
        self._connection.execute(ADD_SETTING, {**place, "value": value, "updated_at": now, "updated_by": by})

    def remove(self, tenant_id: str, type_: str, key: str) -> bool:
        """Remove one setting, so that its default holds again; says whether there was one."""
        removed = self._connection.execute(REMOVE_SETTING, setting_place(tenant_id, type_, key))
        return removed.rowcount == 1


def check_value(type_: str, key: str, value: str) -> None:
    """Return when a setting may have that value; an unknown key may have any."""
    setting = find(type_, key)
    if setting is not None and setting.parse(value) is None:
        raise InvalidRequest(f"“{setting.label}” takes {setting.takes}.")


def setting_place(tenant_id: str, type_: str, key: str) -> dict[str, object]:
    """What `REMOVE_SETTING` goes by, and where `ADD_SETTING` writes."""
    return {"tenant_id": tenant_id, "type": type_, "key": key}
