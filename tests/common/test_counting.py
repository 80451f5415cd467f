"""Numbers agree with their nouns."""

import pytest

from daypass.common.counting import counted, joined


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 events"), (1, "1 event"), (2, "2 events"), (1000, "1,000 events")]
)
def test_a_noun_is_singular_after_one_alone(number: int, said: str) -> None:
    assert counted(number, "event") == said


def test_a_plural_without_s_is_given() -> None:
    assert (counted(1, "key", "keys of hers"), counted(2, "entry", "entries")) == ("1 key", "2 entries")


@pytest.mark.parametrize(
    ("words", "said"), [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_the_last_of_several_words_is_joined_with_and(words: list[str], said: str) -> None:
    assert joined(words) == said
