"""The reference page lists every setting, and is up to date."""

from typing import Any

import pytest

from daypass.portal.settings.registry import REGISTRY
from daypass.portal.settings.setting import Setting
from tests.reference import pages


@pytest.mark.parametrize("setting", list(REGISTRY), ids=lambda setting: setting.wire_name)
def test_every_setting_is_documented(setting: Setting[Any]) -> None:
    for text in (setting.help, setting.documentation):
        assert text.endswith(".")
        assert "\n" not in text


def test_the_reference_is_up_to_date() -> None:
    outdated = [file.name for file, text in pages().items() if file.read_text() != text]

    assert outdated == [], "Run scripts/reference."
