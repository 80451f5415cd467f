"""Reading the settings of the system."""

from daypass.portal.settings.reader import SettingsReader
from daypass.portal.settings.registry import APP_CONFIG, ENABLE_ADMIN_JIT_ON_UI
from daypass.portal.settings.store import SYSTEM
from daypass.portal.storage.engine import Database
from tests.fakes import NOON
from tests.settings import store_setting


def test_unknown_settings_are_stored_and_have_no_effect(database: Database) -> None:
    flag, reader = ENABLE_ADMIN_JIT_ON_UI, SettingsReader(database)
    assert not reader.effective().get(flag)
    with database.writing() as connection:
        store_setting(connection, SYSTEM, flag.type, flag.key, "true", by="admin", now=NOON)
        store_setting(connection, SYSTEM, APP_CONFIG, "OfAnotherTool", "x", by="admin", now=NOON)
        store_setting(connection, "de01", APP_CONFIG, "OfATenant", "x", by="admin", now=NOON)

    assert reader.effective().get(flag)
    assert {setting.key for setting in reader.stored()} == {flag.key, "OfAnotherTool"}
