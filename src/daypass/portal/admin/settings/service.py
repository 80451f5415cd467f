"""Settings of the system and of tenants: list, write and remove, within their bounds."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from daypass.portal.admin import reauthentication
from daypass.portal.admin.model import SettingRecord, Version
from daypass.portal.admin.settings.store import SettingList
from daypass.portal.admin.tenants.service import find_tenant
from daypass.portal.admin.transactions import (
    Author,
    Change,
    ChangeExecutor,
    author_id,
    check_version,
    noop,
    single_change,
)
from daypass.portal.errors import InvalidRequest, SettingNotFound
from daypass.portal.settings.registry import (
    ADMIN_JIT_SESSION_DURATION,
    REGISTRY,
    ROLE_MAXIMUM,
    TENANT_ROLE_MAXIMUM,
    TENANT_SERVICES,
    Registry,
)
from daypass.portal.settings.setting import TENANT, Setting, SettingValue
from daypass.portal.settings.store import SYSTEM, SettingStore, put_setting, remove_setting
from daypass.portal.storage.engine import Connection
from daypass.portal.storage.pagination import Page, PageRequest
from daypass.portal.storage.search import is_storable
from daypass.portal.storage.unit_of_work import RowChange

_LONGEST_TYPE = 64
_LONGEST_KEY = 128
_LONGEST_VALUE = 4000
_NAMED = 3
"""The number of tenants that a refusal names before it counts the rest."""


ROLE_SETTINGS = (ROLE_MAXIMUM, TENANT_ROLE_MAXIMUM, ADMIN_JIT_SESSION_DURATION, TENANT_SERVICES)
"""The settings that determine properties of IAM roles."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The actions of Administrators on settings.

    A reference to a tenant is an id or a name; None is the system. A tenant's settings have no type.
    """

    executor: ChangeExecutor
    reconcile_roles: Callable[[], None] = noop
    """Starts the reconciliation of IAM roles, after a setting that affects them is committed."""
    registry: Registry = REGISTRY
    services: Collection[str] = ()
    """The names of the AWS services that tenants may use."""

    def of(self, tenant: str | None) -> Sequence[SettingRecord]:
        """Return the settings of the system or a tenant, by type and key."""
        with self.executor.database.reading() as connection:
            return self._list(connection).of(_owner(connection, tenant))

    def of_tenants(self, page_request: PageRequest) -> Page[SettingRecord]:
        """Return a page of the settings of all tenants."""
        with self.executor.database.reading() as connection:
            return self._list(connection).of_tenants(page_request)

    def find(self, tenant: str | None, type_: str, key: str) -> SettingRecord:
        """Return one setting; raises `SettingNotFound`."""
        with self.executor.database.reading() as connection:
            # Text with characters that PostgreSQL refuses cannot be stored, so a query for it would only
            # fail.
            record = None
            if is_storable(type_) and is_storable(key):
                record = self._list(connection).find(_owner(connection, tenant), type_, key)
        if record is None:
            raise _not_set(key)
        return record

    def parse(self, tenant: str | None, type_: str, key: str, text: str) -> SettingValue[Any]:
        """Return the value that a channel received as *text*; raises `InvalidRequest`."""
        _check_place(tenant, type_, key)
        check_text(text)
        setting = self.registry.find(type_, key)
        return SettingValue(setting, setting.parse(text), text)

    def put(
        self, tenant: str | None, new: SettingValue[Any], by: Author, expected: Version | None = None
    ) -> SettingRecord:
        """Create or replace a setting; raises `InvalidRequest`, or `PreconditionFailed` if not *expected*.

        The expected version of a setting that does not exist is `Version("")`.
        """
        setting = new.setting
        _check_owner(tenant, setting.type)
        owner, now = self._owner(tenant), self.executor.clock()
        writes = put_setting(owner, setting.type, setting.key, new.text, by=author_id(by), at=now)

        def plan(connection: Connection) -> Change | None:
            old = self._list(connection).find(owner, setting.type, setting.key)
            check_version(expected, old.version if old else Version(""), f"“{setting.key}”")
            if old is not None and old.stored.value == new.text:
                return None
            _check_maximum(connection, new)
            self._check_services(new)
            return _change(connection, owner, setting, old, new, writes)

        self.executor.execute(single_change("setting.put", setting.wire_name, by, plan))
        self._reconcile_roles(setting)
        return self.find(tenant, setting.type, setting.key)

    def remove(
        self, tenant: str | None, type_: str, key: str, by: Author, expected: Version | None = None
    ) -> None:
        """Remove a setting, so that its default applies again; raises `SettingNotFound`."""
        setting = self.find(tenant, type_, key).setting
        owner = self._owner(tenant)
        writes = (remove_setting(owner, type_, key),)

        def plan(connection: Connection) -> Change:
            old = self._list(connection).find(owner, type_, key)
            if old is None:
                raise _not_set(key)
            check_version(expected, old.version, f"“{key}”")
            return _change(connection, owner, setting, old, None, writes)

        self.executor.execute(single_change("setting.remove", setting.wire_name, by, plan))
        self._reconcile_roles(setting)

    def _list(self, connection: Connection) -> SettingList:
        return SettingList(connection, self.registry)

    def _check_services(self, new: SettingValue[Any]) -> None:
        if new.setting is not TENANT_SERVICES:
            return
        if unknown := sorted(new.value - set(self.services)):
            known = ", ".join(sorted(self.services))
            raise InvalidRequest(f"Tenants cannot use {', '.join(unknown)}. The services are: {known}.")

    def _reconcile_roles(self, setting: Setting[Any]) -> None:
        if setting in ROLE_SETTINGS:
            self.reconcile_roles()

    def _owner(self, tenant: str | None) -> str:
        with self.executor.database.reading() as connection:
            return _owner(connection, tenant)


def _owner(connection: Connection, tenant: str | None) -> str:
    return SYSTEM if tenant is None else find_tenant(connection, tenant).tenant.id


def _change(
    connection: Connection,
    owner: str,
    setting: Setting[Any],
    old: SettingRecord | None,
    new: SettingValue[Any] | None,
    writes: tuple[RowChange, ...],
) -> Change:
    default = _default(connection, setting)
    before = None if old is None else old.value
    return Change(
        writes,
        {} if old is None else {"value": old.stored.value},
        {} if new is None else {"value": new.text},
        owner or None,
        reauthentication.to_write_setting(
            setting, default if before is None else before, default if new is None else new.value
        ),
    )


def _default(connection: Connection, setting: Setting[Any]) -> timedelta | None:
    """Return the default of *setting* if another setting determines it, else None."""
    if setting is not TENANT_ROLE_MAXIMUM:
        return None
    return SettingStore(connection).read(None).get_optional(ROLE_MAXIMUM)


def _check_owner(tenant: str | None, type_: str) -> None:
    if (tenant is None) == (type_ == TENANT):
        raise InvalidRequest("A system setting needs a type, and a tenant's setting has none.")


def _check_place(tenant: str | None, type_: str, key: str) -> None:
    _check_owner(tenant, type_)
    # In the path of the API the type is one segment, and the key is the rest.
    if len(type_) > _LONGEST_TYPE or not type_.isprintable() or "/" in type_:
        raise InvalidRequest(f"A type has 1 to {_LONGEST_TYPE} printable characters, and no slash.", "type")
    check_key(key)


def check_key(key: str) -> None:
    """Return if *key* can be a key; raise `InvalidRequest` otherwise."""
    if not 1 <= len(key) <= _LONGEST_KEY or not key.isprintable():
        raise InvalidRequest(f"A key has 1 to {_LONGEST_KEY} printable characters.", "key")
    # Proxies merge repeated slashes in a path, which would turn it into another key.
    if key.startswith("/") or "//" in key:
        raise InvalidRequest("A key does not begin with a slash, and has no two in a row.", "key")


def check_text(value: str) -> None:
    """Return if *value* can be stored and shown; raise `InvalidRequest` otherwise."""
    # Legacy tools store whole documents, so newlines and tabs are accepted.
    if len(value) > _LONGEST_VALUE or not value.replace("\n", "").replace("\t", "").isprintable():
        raise InvalidRequest(f"A value has at most {_LONGEST_VALUE} printable characters.")


def _check_maximum(connection: Connection, new: SettingValue[Any]) -> None:
    """Refuse a tenant's role maximum above the one for all tenants, and one for all below a tenant's."""
    if new.setting is TENANT_ROLE_MAXIMUM:
        limit = SettingStore(connection).read(None).get_optional(ROLE_MAXIMUM)
        if limit is not None and new.value > limit:
            raise InvalidRequest(
                f"“{ROLE_MAXIMUM.label}” is {limit // timedelta(seconds=1)} seconds for all tenants, "
                "and no tenant's may be longer. Raise that one first."
            )
    if new.setting is ROLE_MAXIMUM:
        tenant_maxima = SettingList(connection).of_each_tenant(TENANT_ROLE_MAXIMUM)
        longer = [record for record in tenant_maxima if record.is_in_force and record.value > new.value]
        if longer:
            names = ", ".join(record.tenant.name for record in longer[:_NAMED] if record.tenant)
            more = f" and {len(longer) - _NAMED} more" if len(longer) > _NAMED else ""
            raise InvalidRequest(
                f"These tenants have a longer maximum of their own: {names}{more}. Lower it first."
            )


def _not_set(key: str) -> SettingNotFound:
    shown = key if key.isprintable() else ""
    return SettingNotFound(f"“{shown[:_LONGEST_KEY]}” is not set.")
