"""Queries and statements for tenants' metadata."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, insert, select

from daypass.portal.admin.model import MetadataKind, MetadataRecord
from daypass.portal.storage.pagination import Order, Page, PageRequest, read_page
from daypass.portal.storage.schema.identity import users
from daypass.portal.storage.schema.tenants import tenant_metadata, tenants
from daypass.portal.storage.unit_of_work import RowChange

_ADD = insert(tenant_metadata)
_REMOVE = delete(tenant_metadata).where(
    tenant_metadata.c.tenant_id == bindparam("of_tenant"), tenant_metadata.c.key == bindparam("of_key")
)

_METADATA = (
    select(
        tenant_metadata.c.tenant_id,
        tenants.c.name,
        tenant_metadata.c.key,
        tenant_metadata.c.kind,
        tenant_metadata.c.value,
        tenant_metadata.c.updated_at,
        tenant_metadata.c.updated_by,
        users.c.username,
    )
    .join(tenants, tenants.c.id == tenant_metadata.c.tenant_id)
    .outerjoin(users, users.c.id == tenant_metadata.c.updated_by)
)

_ORDER = Order((tenant_metadata.c.tenant_id, tenant_metadata.c.key))


class MetadataList:
    """Reads metadata with its authors."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, tenant_id: str) -> Sequence[MetadataRecord]:
        """Return the metadata of one tenant, by key."""
        c = tenant_metadata.c
        rows = self._connection.execute(_METADATA.where(c.tenant_id == tenant_id).order_by(c.key))
        return [_record(row) for row in rows]

    def of_tenants(self, page_request: PageRequest) -> Page[MetadataRecord]:
        """Return a page of the metadata of all tenants, ordered by tenant id."""
        return read_page(self._connection, _METADATA, _ORDER, page_request, _record)

    def find(self, tenant_id: str, key: str) -> MetadataRecord | None:
        """Return one entry, or None if there is none."""
        c = tenant_metadata.c
        row = self._connection.execute(_METADATA.where(c.tenant_id == tenant_id, c.key == key)).first()
        return None if row is None else _record(row)


def put_metadata(
    tenant_id: str, key: str, kind: MetadataKind, value: str, *, by: str, at: datetime
) -> tuple[RowChange, ...]:
    """Return the changes that create or replace an entry; *by* is the id of the author."""
    row = {
        "tenant_id": tenant_id,
        "key": key,
        "kind": kind.value,
        "value": value,
        "updated_at": at,
        "updated_by": by,
    }
    return remove_metadata(tenant_id, key), RowChange(_ADD, row)


def remove_metadata(tenant_id: str, key: str) -> RowChange:
    """Return the change that removes an entry."""
    return RowChange(_REMOVE, {"of_tenant": tenant_id, "of_key": key})


def _record(row: Row[*tuple[Any, ...]]) -> MetadataRecord:
    return MetadataRecord(
        row.name,
        row.key,
        MetadataKind(row.kind),
        row.value,
        row.updated_at,
        row.username or row.updated_by,
    )
