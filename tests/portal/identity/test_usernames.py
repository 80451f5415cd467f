"""Tests of the rules for new usernames."""

import unicodedata
from collections.abc import Iterable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.common.usernames import canonical_username
from daypass.portal.audit.event import OPERATOR
from daypass.portal.errors import AlreadyExists, InvalidRequest
from daypass.portal.identity.authentication import Identity
from daypass.portal.identity.model import Role
from daypass.portal.identity.usernames import RESERVED, check_new_username

ACCEPTED = [
    "jane@example.com",
    "ci-bot",
    "o'neil+aws@example.co.uk",
    "zoë@bücher.example",
    "иван@пример.рф",
    "иван@example.com",
    "josé.иванов@example.com",
    "山田たろう@example.com",
    "김abc@example.com",
    "佐々木ノ上@example.com",
    "kjær.œuvre@example.com",
    "josé.ñandú.łódź.þóra.đặng@example.com",
    "γιώργος@example.com",
    "արամ@example.com",
    "עידן@example.com",
    "محمد@example.com",
    "नमिता@example.com",
    "สมชาย@example.com",
    "team 7",
    "operator@example.com",
    "daypass-ci",
    "a%2fb@example.com",
    "a?b#c&d=e@example.com",
    "0123456789abcdef0123456789abcdef@example.com",
]

INVISIBLE = [
    *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x2800, 0x3164, 0xFFA0),
    *range(0xFE00, 0xFE10),
    *range(0xE0100, 0xE01F0),
]
"""Characters that Unicode calls default ignorable but Python printable, and the Braille blank."""

LIKE_LATIN = [
    # Cyrillic.
    *(0x0430, 0x0435, 0x043E, 0x0440, 0x0441, 0x0443, 0x0445, 0x0455, 0x0456, 0x0458),
    *(0x04BB, 0x04CF, 0x0501, 0x051B, 0x051D),
    # Greek.
    *(0x03B1, 0x03B9, 0x03BA, 0x03BD, 0x03BF, 0x03C1, 0x03C5, 0x03C7, 0x03F2, 0x03F3),
]


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_name_in_one_alphabet_is_accepted(name: str) -> None:
    check_new_username(canonical_username(name))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("a\u034fdmin@example.com", "U+034F (COMBINING GRAPHEME JOINER)"),
        ("admin\ufe0f@example.com", "U+FE0F (VARIATION SELECTOR-16)"),
        ("\u1160admin@example.com", "U+1160 (HANGUL JUNGSEONG FILLER)"),
        ("\u3164@example.com", "U+1160 (HANGUL JUNGSEONG FILLER)"),
        ("\u2800@example.com", "U+2800 (BRAILLE PATTERN BLANK)"),
        ("\u17b4@example.com", "U+17B4"),
        ("\U000e0101a@example.com", "U+E0101 (VARIATION SELECTOR-18)"),
        # Letters of Latin and of other alphabets that look like ASCII ones.
        ("\u0251dmin@example.com", "U+0251 (LATIN SMALL LETTER ALPHA)"),
        ("\u0261reta@example.com", "U+0261"),
        ("\u1d0fps@example.com", "U+1D0F"),
        ("\ua731am@example.com", "U+A731"),
        ("\u0138im@example.com", "Latin letters that look like ASCII ones"),
        ("adm\u0131n@example.com", "Turkish \u0131 or \u0130"),
        ("I\u015f\u0131k@example.com", "Write i"),
        ("\u0130smail@example.com", "Turkish \u0131 or \u0130"),
        ("\u0585\u057d@example.com", "Armenian letters that look like ASCII ones"),
        ("\ua4da\ua4f2\ua4ec@example.com", "U+A4DA (LISU LETTER CA)"),
        ("\u13a0\u13a1@example.com", "CHEROKEE"),
        ("\uab79@example.com", "CHEROKEE"),
        ("\u05e1\u05d5@example.com", "Hebrew letters that look like ASCII ones"),
        ("user\u0966", "U+0966 (DEVANAGARI DIGIT ZERO)"),
        ("\u0647@example.com", "Arabic letters that look like ASCII ones"),
        # Marks.
        ("\u0301admin@example.com", "U+0301"),
        ("a\u0338dmin@example.com", "U+0338 (COMBINING LONG SOLIDUS OVERLAY)"),
        ("o\u0335@example.com", "U+0335"),
        ("j\u0307@example.com", "U+0307"),
        ("\u093eadmin@example.com", "does not follow a letter"),
        ("7\u093e@example.com", "does not follow a letter"),
        ("admin\u093e@example.com", "mixes letters of Devanagari and Latin"),
        # Hyphens, slashes, spaces and other signs.
        *(
            (f"ci{sign}bot", f"U+{ord(sign):04X}")
            for sign in "\u2010\u2012\u2013\u2014\u2212\u02d7\u058a\u1806"
        ),
        *((f"a{sign}b", f"U+{ord(sign):04X}") for sign in "\u2044\u2215\u29f8\u2571"),
        *((f"o{sign}neil", f"U+{ord(sign):04X}") for sign in "\u2019\u02bc\ua78c\u05f3"),
        *((f"a{sign}b", f"U+{ord(sign):04X}") for sign in "\u00b7\u0589\ua4fa\u01c3\u2223\U0001f98a"),
        ("team  7", "two spaces in a row"),
        ("team\u00a0\u00a07", "two spaces in a row"),
        ("\u0430dmin@example.com", "mixes letters of Cyrillic and Latin"),
        ("a\u03bfb@example.com", "mixes letters of Greek and Latin"),
        ("admin@ex\u0430mple.com", "mixes letters of Cyrillic and Latin"),
        ("\u0430\u03b1@example.com", "mixes letters of Cyrillic and Greek"),
        ("d4\u043d4@example.com", "mixes letters of Cyrillic and Latin"),
        (
            "\u0441\u043e\u0440\u0430@example.com",
            "” is written in Cyrillic letters that look like ASCII ones",
        ),
        ("\u03bf@example.com", "is written in Greek letters that look like ASCII ones"),
        *((name, "reserved") for name in sorted(RESERVED)),
        ("Operator", "reserved"),
        ("a/b@example.com", "has no slash"),
        ("a\uff0fb@example.com", "has no slash"),
        ("..", "not made of dots"),
        ("0123456789abcdef0123456789abcdef", "not 32 hexadecimal digits"),
        ("a\u200bb", "printable"),
        ("", "1 to 255"),
    ],
)
def test_a_confusable_or_unaddressable_name_is_refused_with_the_reason(name: str, says: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_new_username(canonical_username(name))

    assert says in refused.value.reason


def accepted(names: Iterable[str]) -> list[str]:
    """Return the *names* that a new user may have, with every character escaped."""
    names_accepted = []
    for name in names:
        with suppress(InvalidRequest):
            check_new_username(name)
            names_accepted.append(ascii(name))
    return names_accepted


def test_no_invisible_character_is_accepted() -> None:
    assert accepted(f"jane{chr(point)}@example.com" for point in INVISIBLE) == []


def test_no_word_of_letters_that_look_like_latin_ones_is_accepted() -> None:
    assert accepted(f"{chr(point)}@example.com" for point in LIKE_LATIN) == []


@given(st.text(max_size=30))
def test_an_accepted_name_has_no_invisible_character(typed: str) -> None:
    name = canonical_username(typed)
    try:
        check_new_username(name)
    except InvalidRequest:
        return
    assert not any(unicodedata.category(character) in {"Cf", "Cc", "Cn", "Co", "Cs"} for character in name)
    assert "/" not in name


@given(st.text(st.characters(min_codepoint=0x80, exclude_categories=["Cs"]), min_size=1, max_size=3))
def test_an_accepted_name_has_only_letters_and_marks_outside_ascii(typed: str) -> None:
    name = canonical_username(f"a{typed}")
    try:
        check_new_username(name)
    except InvalidRequest:
        return
    assert all(character.isascii() or unicodedata.category(character)[0] in "LM" for character in name)


@pytest.mark.parametrize("second", ["strasse@example.com", "STRASSE@example.com", " straße@example.com "])
def test_another_spelling_of_a_taken_username_is_refused_with_that_username(
    identity: Identity, second: str
) -> None:
    identity.create_user("straße@example.com", Role.USER, None, OPERATOR)

    with pytest.raises(AlreadyExists, match=r"“strasse@example\.com” is already taken") as refused:
        identity.create_user(second, Role.USER, None, OPERATOR)

    is_other_spelling = second.strip() != "strasse@example.com"
    assert ("is another spelling of that name" in str(refused.value)) is is_other_spelling
