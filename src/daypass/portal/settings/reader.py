"""The settings of the system, for callers that hold no connection."""

from collections.abc import Sequence
from dataclasses import dataclass

from daypass.portal.settings.store import SYSTEM, EffectiveSettings, SettingStore, StoredSetting
from daypass.portal.storage.engine import Database


@dataclass(frozen=True, slots=True)
class SettingsReader:
    """Reads the settings of the system; `portal.admin` changes them."""

    database: Database

    def effective(self) -> EffectiveSettings:
        """Return the effective settings."""
        with self.database.reading() as connection:
            return SettingStore(connection).read(None)

    def stored(self) -> Sequence[StoredSetting]:
        """Return the stored settings by type and key, with those that the registry does not know."""
        with self.database.reading() as connection:
            return SettingStore(connection).list_for(SYSTEM)
