"""Numbers with nouns, and lists of words."""

import pytest

from daypass.common.counting import counted, enumerated


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 events"), (1, "1 event"), (2, "2 events"), (1000, "1,000 events")]
)
def test_a_noun_is_singular_only_after_1(number: int, text: str) -> None:
    assert counted(number, "event") == text


def test_an_irregular_plural_is_used() -> None:
    assert (counted(1, "key", "keys of hers"), counted(2, "entry", "entries")) == ("1 key", "2 entries")


@pytest.mark.parametrize(
    ("words", "text"), [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_the_last_word_is_joined_with_and(words: list[str], text: str) -> None:
    assert enumerated(words) == text
