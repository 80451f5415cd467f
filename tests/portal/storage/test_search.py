"""Tests of the search for text from clients."""

import pytest

from daypass.portal.storage.search import is_storable


@pytest.mark.parametrize("text", ["", "dev01", "dana@example.com", "a b", "Jürgen", "日本"])
def test_printable_text_can_be_a_name(text: str) -> None:
    assert is_storable(text)


@pytest.mark.parametrize("text", ["\x00", "dev\x0001", "\ud800", "a\nb", "\u202e"])
def test_text_that_a_database_rejects_cannot_be_a_name(text: str) -> None:
    assert not is_storable(text)
