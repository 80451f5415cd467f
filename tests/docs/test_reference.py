"""The generated reference pages are up to date, and the settings have the texts that theirs needs."""

from typing import Any

import pytest

from daypass.portal.settings.registry import REGISTRY
from daypass.portal.settings.setting import Setting
from tests.reference.registry import FOLDER, PAGES


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_up_to_date(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == PAGES[name](), "Run scripts/reference."


@pytest.mark.parametrize("setting", list(REGISTRY), ids=lambda setting: setting.wire_name)
def test_every_setting_is_documented(setting: Setting[Any]) -> None:
    for text in (setting.help, setting.documentation):
        assert text.endswith(".")
        assert "\n" not in text
