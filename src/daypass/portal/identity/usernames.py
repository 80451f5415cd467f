"""Which usernames a new user may have: readable, addressable in every URL, and not taken for another's."""

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise

from daypass.portal.errors import InvalidRequest
from daypass.portal.identity.letters import EAST_ASIAN, LATIN, is_recommended, looks_like_ascii, script_of

LONGEST_USERNAME = 255

ACTORS = ("daypass", "operator", "somebody")
"""Names under which the audit log has actors that are no users."""

RESERVED = frozenset({*ACTORS, "anonymous", "nobody", "system"})
"""Names that no user may have: those, and what a later version may use in the same way."""

_TURKISH = re.compile("\u0131|i\u0307")
"""The small letter without a dot, and what the capital letter with a dot is folded to."""

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
    if _TURKISH.search(name):
        raise InvalidRequest(
            "A username has no Turkish \u0131 or \u0130. They look like i, and usernames are case-folded as "
            "in English, so I and \u0131 would be two users. Write i."
        )
    if "  " in name:
        raise InvalidRequest(
            "The username has two spaces in a row, which pages show as one. Write one space."
        )
    for sign in name:
        _check_sign(sign)
    for word in _words(name):
        _check_marks(word)
        _check_scripts(word)


def _check_sign(sign: str) -> None:
    if not sign.isascii() and not is_recommended(sign):
        raise InvalidRequest(
            f"The username has the character U+{ord(sign):04X} ({unicodedata.name(sign, 'without a name')}). "
            "It is invisible, looks like another one, or is no letter of a living language. Use ASCII "
            "characters, or letters of one alphabet."
        )


def _check_marks(word: str) -> None:
    for before, sign in pairwise(" " + word):
        if unicodedata.category(sign)[0] == "M" and unicodedata.category(before)[0] not in "LM":
            raise InvalidRequest(f"The mark U+{ord(sign):04X} of “{word}” is on no letter. Remove it.")


def _check_scripts(word: str) -> None:
    letters = [sign for sign in word if not sign.isdecimal()]
    scripts = {script_of(sign) for sign in letters}
    if len(scripts - EAST_ASIAN - {LATIN}) + bool(scripts & (EAST_ASIAN | {LATIN})) > 1:
        named = " and ".join(sorted(script.capitalize() for script in scripts))
        raise InvalidRequest(
            f"“{word}” mixes letters of {named}, some of which look alike. Use one alphabet."
        )
    # One letter with a twin is enough among Latin ones; in another alphabet the other letters tell it apart.
    is_mistakable = any if LATIN in scripts else all
    if letters and is_mistakable(looks_like_ascii(sign) for sign in letters):
        alphabet = " and ".join(sorted(script.capitalize() for script in scripts))
        raise InvalidRequest(
            f"“{word}” is written in {alphabet} letters that look like ASCII ones. Use ASCII ones."
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
