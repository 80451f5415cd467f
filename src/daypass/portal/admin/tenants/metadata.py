"""Metadata of tenants: texts and links by key, for people and tools. It has no effect on the portal."""

from collections.abc import Sequence
from dataclasses import dataclass

from daypass.portal.admin.model import MetadataKind, MetadataRecord, Version
from daypass.portal.admin.settings.service import check_key, check_text
from daypass.portal.admin.tenants.service import find_tenant
from daypass.portal.admin.tenants.store.metadata import MetadataList, put_metadata, remove_metadata
from daypass.portal.admin.transactions import (
    Author,
    Change,
    ChangeExecutor,
    author_id,
    check_version,
    single_change,
)
from daypass.portal.errors import InvalidRequest, MetadataNotFound
from daypass.portal.storage.engine import Connection
from daypass.portal.storage.pagination import Page, PageRequest
from daypass.portal.storage.search import is_storable


@dataclass(frozen=True, slots=True)
class TenantMetadata:
    """The actions of Administrators on metadata. A reference to a tenant is an id or a name."""

    executor: ChangeExecutor

    def of(self, tenant: str) -> Sequence[MetadataRecord]:
        """Return the metadata of a tenant, by key; raises `TenantNotFound`."""
        with self.executor.database.reading() as connection:
            return MetadataList(connection).of(find_tenant(connection, tenant).tenant.id)

    def of_tenants(self, page_request: PageRequest) -> Page[MetadataRecord]:
        """Return a page of the metadata of all tenants."""
        with self.executor.database.reading() as connection:
            return MetadataList(connection).of_tenants(page_request)

    def find(self, tenant: str, key: str) -> MetadataRecord:
        """Return one entry; raises `MetadataNotFound`."""
        with self.executor.database.reading() as connection:
            return _find(connection, find_tenant(connection, tenant).tenant.id, key)

    def put(
        self,
        tenant: str,
        key: str,
        kind: MetadataKind,
        value: str,
        by: Author,
        expected: Version | None = None,
    ) -> MetadataRecord:
        """Create or replace an entry; raises `InvalidRequest`, or `PreconditionFailed` if not *expected*.

        The expected version of an entry that does not exist is `Version("")`.
        """
        check_key(key)
        check_text(value)
        # The value becomes a link on pages, so other schemes (javascript:) are refused.
        if kind is MetadataKind.URL and not value.startswith(("https://", "http://")):
            raise InvalidRequest("A url begins with https:// or http://.")
        owner = self._owner(tenant)
        writes = put_metadata(owner, key, kind, value, by=author_id(by), at=self.executor.clock())

        def plan(connection: Connection) -> Change | None:
            # A tenant that was deleted in the meantime must not get a row.
            find_tenant(connection, owner)
            old = MetadataList(connection).find(owner, key)
            check_version(expected, old.version if old else Version(""), f"“{key}”")
            if old is not None and (old.kind, old.value) == (kind, value):
                return None
            return Change(writes, _values(old), {"kind": kind.value, "value": value}, owner)

        self.executor.execute(single_change("metadata.put", key, by, plan))
        return self.find(owner, key)

    def remove(self, tenant: str, key: str, by: Author, expected: Version | None = None) -> None:
        """Remove an entry; raises `MetadataNotFound`."""
        owner = self._owner(tenant)
        self.find(owner, key)
        writes = (remove_metadata(owner, key),)

        def plan(connection: Connection) -> Change:
            old = _find(connection, owner, key)
            check_version(expected, old.version, f"“{key}”")
            return Change(writes, _values(old), {}, owner)

        self.executor.execute(single_change("metadata.remove", key, by, plan))

    def _owner(self, tenant: str) -> str:
        with self.executor.database.reading() as connection:
            return find_tenant(connection, tenant).tenant.id


def _find(connection: Connection, owner: str, key: str) -> MetadataRecord:
    entry = MetadataList(connection).find(owner, key) if is_storable(key) else None
    if entry is None:
        raise MetadataNotFound("This tenant has no metadata with that key.")
    return entry


def _values(old: MetadataRecord | None) -> dict[str, str]:
    return {} if old is None else {"kind": old.kind.value, "value": old.value}
