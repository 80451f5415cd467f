"""Which usernames a new user may have: readable, addressable in every URL, and not taken for another's."""

import re
import unicodedata
from collections.abc import Iterator

from daypass.portal.errors import InvalidRequest

LONGEST_USERNAME = 255

ACTORS = ("daypass", "operator", "somebody")
"""Names under which the audit log has actors that are no users."""

RESERVED = frozenset({*ACTORS, "anonymous", "nobody", "system"})
"""Names that no user may have: those, and what a later version may use in the same way."""

_INVISIBLE = (
    *((0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5)),
    *((0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x2800, 0x2800)),
    *((0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8)),
    *((0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF)),
)
"""Default_Ignorable_Code_Point of Unicode, and the blank of Braille: all of them are invisible."""

_EAST_ASIAN = frozenset({"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"})
"""Scripts that are written together, and with Latin (Unicode Technical Standard 39, "highly restrictive")."""

_LIKE_LATIN = frozenset("асеорхуіјѕԁһӏԛԝοανρικυχϲϳ")
"""Small letters of Cyrillic and Greek that look like Latin ones."""

_AN_ID = re.compile(r"[0-9a-f]{32}")


def check_username(name: str) -> None:
    """Return if *name* can be a username at all; raise `InvalidRequest` otherwise."""
    if not name or len(name) > LONGEST_USERNAME or not name.isprintable():
        raise InvalidRequest(f"A username has 1 to {LONGEST_USERNAME} printable characters.")


def check_new_username(name: str) -> None:
    """Return if a new user may have the canonical *name*; raise `InvalidRequest` with the reason otherwise.

    Users who are there already keep the name they have.
    """
    check_username(name)
    if name in RESERVED:
        raise InvalidRequest(f"“{name}” is reserved: the audit log uses it. Choose another username.")
    if "/" in name or not name.strip(".") or _AN_ID.fullmatch(name):
        raise InvalidRequest(
            "A username has no slash, is not made of dots, and is not 32 hexadecimal digits: URLs contain it."
        )
    for sign in name:
        if any(first <= ord(sign) <= last for first, last in _INVISIBLE):
            raise InvalidRequest(f"The username has an invisible character (U+{ord(sign):04X}). Remove it.")
    for word in _words(name):
        _check_scripts(word)


def _check_scripts(word: str) -> None:
    scripts = {script for sign in word if (script := _script(sign)) is not None}
    if len(scripts - _EAST_ASIAN - {"LATIN"}) + bool(scripts & (_EAST_ASIAN | {"LATIN"})) > 1:
        named = " and ".join(sorted(script.capitalize() for script in scripts))
        raise InvalidRequest(
            f"“{word}” mixes letters of {named}, some of which look alike. Use one alphabet."
        )
    if any(sign.isalpha() for sign in word) and all(sign in _LIKE_LATIN for sign in word if sign.isalpha()):
        (script,) = scripts
        raise InvalidRequest(
            f"“{word}” is written in {script.capitalize()} letters that look like Latin ones. Use Latin ones."
        )


def _words(name: str) -> Iterator[str]:
    """Yield the parts of a name between punctuation, symbols and spaces, with their marks and digits."""
    word = ""
    for sign in name:
        if unicodedata.category(sign)[0] in "LMN":
            word += sign
        elif word:
            yield word
            word = ""
    if word:
        yield word


def _script(sign: str) -> str | None:
    """Return the script of a letter, by the first word of its name; None for what several scripts share."""
    if not sign.isalpha():
        return None
    first = unicodedata.name(sign, "").split(" ")[0].split("-")[0]
    return None if first in {"", "MODIFIER"} else first
