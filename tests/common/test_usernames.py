"""The canonical form of usernames. The portal's tests of sign-in and of new users use it too."""

import pytest

from daypass.common.usernames import canonical_username


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        (" Dana@Example.com\n", "dana@example.com"),
        ("\N{FULLWIDTH LATIN CAPITAL LETTER D}ana", "dana"),
        ("\u03b1\u0345", "\u03b1\u03b9"),
    ],
)
def test_equivalent_spellings_have_one_canonical_form(typed: str, canonical: str) -> None:
    assert canonical_username(typed) == canonical
    assert canonical_username(canonical) == canonical
