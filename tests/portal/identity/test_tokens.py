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
def test_a_token_is_recognised_and_uses_the_safe_alphabet(kind: TokenKind) -> None:
    text = mint(kind).reveal()

    assert recognise(text) is kind
    assert re.fullmatch(r"[A-Za-z0-9_]+", text)


@given(kinds, st.data())
def test_a_token_with_one_wrong_character_is_not_recognised(kind: TokenKind, data: st.DataObject) -> None:
    text = mint(kind).reveal()
    index = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(ALPHABET))
    assume(other != text[index])

    assert recognise(text[:index] + other + text[index + 1 :]) is None


@given(st.text(max_size=80))
def test_any_other_text_is_not_recognised(text: str) -> None:
    assert recognise(text) is None


@pytest.mark.parametrize("kind", TokenKind)
def test_a_token_with_the_prefix_of_another_kind_is_not_recognised(kind: TokenKind) -> None:
    text = mint(kind).reveal()
    others = [prefix for other, prefix in PREFIXES.items() if other is not kind]

    assert [recognise(prefix + text.removeprefix(PREFIXES[kind])) for prefix in others] == [None] * len(
        others
    )


def test_a_token_has_at_least_160_random_bits() -> None:
    random_part = len(mint(TokenKind.PERMANENT).reveal()) - len(PREFIXES[TokenKind.PERMANENT]) - 6

    assert random_part * math.log2(62) >= 160
    assert len({mint(TokenKind.PERMANENT).reveal() for _ in range(1000)}) == 1000


def test_the_stored_digest_does_not_contain_the_token() -> None:
    text = mint(TokenKind.PERMANENT).reveal()

    assert len(digest(text)) == 32
    assert text.encode() not in digest(text)
