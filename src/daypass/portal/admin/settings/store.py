"""Queries on stored settings with their authors."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from daypass.portal.admin.model import SettingRecord
from daypass.portal.settings.registry import REGISTRY, Registry
from daypass.portal.settings.setting import Setting
from daypass.portal.settings.store import SYSTEM, StoredSetting
from daypass.portal.storage.pagination import Order, Page, PageRequest, read_page
from daypass.portal.storage.schema.administration import settings
from daypass.portal.storage.schema.identity import users
from daypass.portal.storage.schema.tenants import tenants
from daypass.portal.tenants.store import TENANT, tenant_of

_SETTINGS = (
    select(
        settings.c.tenant_id,
        settings.c.type,
        settings.c.key,
        settings.c.value,
        settings.c.updated_at,
        settings.c.updated_by,
        users.c.username,
        *TENANT,
    )
    .select_from(settings)
    # An outer join, because the author may have been deleted since.
    .outerjoin(users, users.c.id == settings.c.updated_by)
    .outerjoin(tenants, tenants.c.id == settings.c.tenant_id)
)

_ORDER = Order((settings.c.tenant_id, settings.c.type, settings.c.key))


class SettingList:
    """Reads stored settings."""

    def __init__(self, connection: Connection, registry: Registry = REGISTRY) -> None:
        self._connection = connection
        self._registry = registry

    def find(self, tenant_id: str, type_: str, key: str) -> SettingRecord | None:
        """Return one setting, or None if it is not set."""
        row = self._connection.execute(
            _SETTINGS.where(
                settings.c.tenant_id == tenant_id, settings.c.type == type_, settings.c.key == key
            )
        ).first()
        return None if row is None else self._record(row)

    def of(self, tenant_id: str) -> Sequence[SettingRecord]:
        """Return the settings of one tenant, or of `SYSTEM`, by type and key."""
        rows = self._connection.execute(
            _SETTINGS.where(settings.c.tenant_id == tenant_id).order_by(settings.c.type, settings.c.key)
        )
        return [self._record(row) for row in rows]

    def of_tenants(self, page_request: PageRequest) -> Page[SettingRecord]:
        """Return a page of the settings of all tenants, ordered by tenant id."""
        query = _SETTINGS.where(settings.c.tenant_id != SYSTEM)
        return read_page(self._connection, query, _ORDER, page_request, self._record)

    def of_each_tenant(self, setting: Setting[Any]) -> Sequence[SettingRecord]:
        """Return the tenants' values of one setting, by tenant name."""
        rows = self._connection.execute(
            _SETTINGS.where(
                settings.c.tenant_id != SYSTEM, settings.c.type == setting.type, settings.c.key == setting.key
            ).order_by(tenants.c.name)
        )
        return [self._record(row) for row in rows]

    def _record(self, row: Row[*tuple[Any, ...]]) -> SettingRecord:
        setting = self._registry.find(row.type, row.key)
        return SettingRecord(
            tenant=None if row.name is None else tenant_of(row),
            stored=StoredSetting(row.type, row.key, row.value, row.updated_at, row.updated_by),
            setting=setting,
            value=setting.parse_stored(row.value),
            changed_by=row.username or row.updated_by,
        )
