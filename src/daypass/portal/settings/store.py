"""What is set: rows, and the typed view of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, bindparam, delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from daypass.portal.errors import InvalidRequest
from daypass.portal.settings.registry import TENANT, Setting, find
from daypass.portal.storage.schema import settings

SYSTEM = ""
"""In place of a tenant's id: the whole system."""

_READ = select(settings.c.type, settings.c.key, settings.c.value).where(
    # What was written for a tenant never counts as the system's, nor the other way round.
    or_(
        and_(settings.c.tenant_id == SYSTEM, settings.c.type != TENANT),
        and_(settings.c.tenant_id == bindparam("tenant"), settings.c.type == TENANT),
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
        written = self.rows.get((setting.type, setting.key))
        value = None if written is None else setting.parse(written)
        return setting.default if value is None else value


class SettingStore:
    """Settings of the system and of tenants."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def read(self, tenant_id: str | None) -> Values:
        """What is in force for the system and, if one is named, a tenant."""
        rows = self._connection.execute(_READ, {"tenant": tenant_id})
        return Values({(type_, key): value for type_, key, value in rows})

    def list_for(self, tenant_id: str) -> Sequence[StoredSetting]:
        """The rows of one tenant, or of `SYSTEM`, by type and key."""
        return [StoredSetting(*row) for row in self._connection.execute(_LIST, {"tenant": tenant_id})]

    def put(self, tenant_id: str, type_: str, key: str, value: str, *, by: str, now: datetime) -> None:
        """Write one setting over whatever was there; a known one only within its bounds."""
        setting = find(type_, key)
        if setting is not None and setting.parse(value) is None:
            raise InvalidRequest(f"“{setting.label}” takes {setting.takes}.")
        insert = sqlite.insert if self._connection.dialect.name == "sqlite" else postgresql.insert
        changed = {"value": value, "updated_at": now, "updated_by": by}
        row = {"tenant_id": tenant_id, "type": type_, "key": key, **changed}
        self._connection.execute(
            insert(settings)
            .values(row)
            .on_conflict_do_update(index_elements=["tenant_id", "type", "key"], set_=changed)
        )

    def remove(self, tenant_id: str, type_: str, key: str) -> bool:
        """Remove one setting, so that its default holds again; says whether there was one."""
        removed = self._connection.execute(
            delete(settings).where(
                settings.c.tenant_id == tenant_id, settings.c.type == type_, settings.c.key == key
            )
        )
        return removed.rowcount == 1
