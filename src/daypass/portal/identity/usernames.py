"""Rules for new usernames: readable, usable in URLs, and not confusable with another user's name."""

import re
import unicodedata
from collections.abc import Collection, Iterator
from itertools import pairwise

from daypass.common.counting import enumerated
from daypass.portal.audit.event import OPERATOR, PORTAL
from daypass.portal.errors import InvalidRequest
from daypass.portal.identity.letters import EAST_ASIAN, LATIN, is_recommended, looks_like_ascii, script_of
from daypass.portal.identity.model import UNKNOWN_USER

LONGEST_USERNAME = 255

ACTORS = (PORTAL.name, OPERATOR.name, UNKNOWN_USER)
"""Actor names in the audit log that are no users."""

RESERVED = frozenset({*ACTORS, "anonymous", "nobody", "system"})
"""Names that no user may have: `ACTORS`, and names reserved for future use."""

_TURKISH = re.compile("\u0131|i\u0307")
"""The dotless small i, and the case-folded form of the capital I with a dot."""

_AN_ID = re.compile(r"[0-9a-f]{32}")


def check_username(name: str) -> None:
    """Return if *name* is a valid username; raise `InvalidRequest` otherwise."""
    if not name or len(name) > LONGEST_USERNAME or not name.isprintable():
        raise InvalidRequest(f"A username has 1 to {LONGEST_USERNAME} printable characters.")


def check_new_username(name: str) -> None:
    """Return if a new user may have the canonical *name*; raise `InvalidRequest` with the reason otherwise.

    Existing users keep their names.
    """
    check_username(name)
    if name in RESERVED:
        raise InvalidRequest(f"“{name}” is reserved. Choose another username.")
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
    for character in name:
        _check_character(character)
    for word in _words(name):
        _check_marks(word)
        _check_scripts(word)


def _check_character(character: str) -> None:
    if not character.isascii() and not is_recommended(character):
        raise InvalidRequest(
            f"The username has the character U+{ord(character):04X} "
            f"({unicodedata.name(character, 'without a name')}). "
            "It is invisible, looks like another one, or is not a letter of a living language. Use ASCII "
            "characters, or letters of one alphabet."
        )


def _check_marks(word: str) -> None:
    for before, mark in pairwise(" " + word):
        if unicodedata.category(mark)[0] == "M" and unicodedata.category(before)[0] not in "LM":
            raise InvalidRequest(
                f"The mark U+{ord(mark):04X} of “{word}” does not follow a letter. Remove it."
            )


def _check_scripts(word: str) -> None:
    letters = [character for character in word if not character.isdecimal()]
    scripts = {script_of(letter) for letter in letters}
    if len(scripts - EAST_ASIAN - {LATIN}) + bool(scripts & (EAST_ASIAN | {LATIN})) > 1:
        raise InvalidRequest(
            f"“{word}” mixes letters of {_named(scripts)}, some of which look alike. Use one alphabet."
        )
    # Among Latin letters one confusable letter is enough; in another alphabet the other letters show it.
    is_mistakable = any if LATIN in scripts else all
    if letters and is_mistakable(looks_like_ascii(letter) for letter in letters):
        raise InvalidRequest(
            f"“{word}” is written in {_named(scripts)} letters that look like ASCII ones. Use ASCII ones."
        )


def _named(scripts: Collection[str]) -> str:
    return enumerated(sorted("CJK" if script == "CJK" else script.capitalize() for script in scripts))


def _words(name: str) -> Iterator[str]:
    """Yield the parts of a name between punctuation, symbols and spaces, with their marks and digits."""
    word = ""
    for character in name:
        if unicodedata.category(character)[0] in "LMN":
            word += character
        elif word:
            yield word
            word = ""
    if word:
        yield word
