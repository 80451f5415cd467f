"""The effective settings, for callers that hold no connection."""

from collections.abc import Sequence
from dataclasses import dataclass

from daypass.portal.settings.codecs import T
from daypass.portal.settings.setting import Setting
from daypass.portal.settings.store import SYSTEM, EffectiveSettings, SettingStore, StoredSetting
from daypass.portal.storage.engine import Database


@dataclass(frozen=True, slots=True)
class SettingsReader:
    """Reads settings; `portal.admin` changes them."""

    database: Database

    def effective(self) -> EffectiveSettings:
        """Return the effective settings of the system."""
        with self.database.reading() as connection:
            return SettingStore(connection).read(None)

    def of_tenant(self, tenant_id: str, setting: Setting[T]) -> T | None:
        """Return the effective value of a tenant's setting; None if it has no default and is not set."""
        with self.database.reading() as connection:
            return SettingStore(connection).read(tenant_id).get_optional(setting)

    def stored(self) -> Sequence[StoredSetting]:
        """Return the stored settings of the system by type and key, also those that the registry lacks."""
        with self.database.reading() as connection:
            return SettingStore(connection).list_for(SYSTEM)
