"""Writes settings for tests: through the service, and directly into the database."""

from datetime import datetime

from daypass.portal.admin.model import SettingRecord, Version
from daypass.portal.admin.settings.service import Settings
from daypass.portal.admin.transactions import Author
from daypass.portal.settings.registry import REGISTRY
from daypass.portal.settings.store import SettingStore, put_setting, remove_setting
from daypass.portal.storage.engine import Connection


def put_text(
    settings: Settings,
    tenant: str | None,
    type_: str,
    key: str,
    text: str,
    by: Author,
    expected: Version | None = None,
) -> SettingRecord:
    """Write a setting like a channel that received its value as *text*."""
    return settings.put(tenant, settings.parse(tenant, type_, key, text), by, expected)


def store_setting(
    connection: Connection, owner: str, type_: str, key: str, value: str, *, by: str, now: datetime
) -> None:
    """Set or replace one setting in the database; raises `InvalidRequest` if its value is out of bounds."""
    REGISTRY.find(type_, key).parse(value)
    for change in put_setting(owner, type_, key, value, by=by, at=now):
        change.apply(connection)


def unset_setting(connection: Connection, owner: str, type_: str, key: str) -> bool:
    """Remove one setting from the database; return whether it was set."""
    stored = {(setting.type, setting.key) for setting in SettingStore(connection).list_for(owner)}
    remove_setting(owner, type_, key).apply(connection)
    return (type_, key) in stored
