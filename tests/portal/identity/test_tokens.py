import math
import re
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from daypass.portal.identity.model import TokenKind
from daypass.portal.identity.tokens import PREFIXES, digest, mint, recognise

ALPHABET = string.ascii_letters + string.digits + "_"
kinds = st.sampled_from(TokenKind)


@given(kinds)
def test_a_token_is_recognised_by_its_kind_and_travels_safely(kind: TokenKind) -> None:
    text = mint(kind).reveal()

    assert recognise(text) is kind
    assert re.fullmatch(r"[A-Za-z0-9_]+", text)


@given(kinds, st.data())
def test_a_mistyped_token_is_none(kind: TokenKind, data: st.DataObject) -> None:
    text = mint(kind).reveal()
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(ALPHABET))
    assume(other != text[place])

    assert recognise(text[:place] + other + text[place + 1 :]) is None


@given(st.text(max_size=80))
def test_any_other_text_is_none(text: str) -> None:
    assert recognise(text) is None


@pytest.mark.parametrize("kind", TokenKind)
def test_a_kind_under_another_prefix_is_none(kind: TokenKind) -> None:
    text = mint(kind).reveal()
    others = [prefix for other, prefix in PREFIXES.items() if other is not kind]

    assert [recognise(prefix + text.removeprefix(PREFIXES[kind])) for prefix in others] == [None] * len(
        others
    )


def test_a_token_cannot_be_guessed() -> None:
    random_part = len(mint(TokenKind.PERMANENT).reveal()) - len(PREFIXES[TokenKind.PERMANENT]) - 6

    assert random_part * math.log2(62) >= 160
    assert len({mint(TokenKind.PERMANENT).reveal() for _ in range(1000)}) == 1000


def test_what_is_stored_is_not_the_token() -> None:
    text = mint(TokenKind.PERMANENT).reveal()

    assert len(digest(text)) == 32
    assert text.encode() not in digest(text)
