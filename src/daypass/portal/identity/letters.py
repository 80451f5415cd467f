"""Letters that a username may contain, and those that look like ASCII letters: data of Unicode 15.0.

Made with ICU 72: the letters and marks of `uspoof_getRecommendedSet` (UTS 39, Identifier_Status), without
marks and modifiers that belong to no alphabet and without the phonetic Latin letters above U+1EFF; and
those of them that have the skeleton (`uspoof_getSkeleton`, UTS 39 section 4) of an ASCII letter or digit.
"""

import unicodedata

LATIN, EAST_ASIAN = "LATIN", frozenset({"CJK", "IDEOGRAPHIC", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"})
"""The scripts that may occur together (UTS 39, "highly restrictive")."""


def _ranges(text: str) -> tuple[range, ...]:
    parts = [item.partition("-") for item in text.split()]
    return tuple(range(int(first, 16), int(last or first, 16) + 1) for first, _, last in parts)


# The ranges also cover other signs and capital letters: `is_recommended` checks the category, and callers
# fold the case first.
_RECOMMENDED = _ranges(
    "E0-17E 1A1 1B0 1CE-1DC 1DF-1E3 1E7-21B 21F 227-233 259 37B-3CE 3FC-45F 48B-4FF 511-529 52F-559 "
    "561-586 5B4 5D0-5F2 620-63F 641-655 670-672 674-68D 68F-6A0 6A2-6D5 6E5-6E6 6EE-6FF 750-7B1 870-88E "
    "8A0-8AC 8B2 8B5-8C9 901-94D 94F-950 956-977 979-97F 981-9F1 9FE-A4D A5C-A74 A81-AE3 AFA-B43 B47-B61 "
    "B71-BD7 C01-C33 C35-C56 C5D-C61 C80 C82-CDD CE0-D00 D02-D03 D05-D3A D3D-D43 D46-D57 D60-D61 D7A-D7F "
    "D82-D8E D91-DA5 DA7-DDE DF2 E01-F00 F35-F37 F3E-10F0 10F7-10FF 1200-138F 1780-17A2 17A5-17A7 "
    "17A9-17B3 17B6-17CD 17D0 17D2 17D7-17DC 1E01-1E99 1EA1-1EF9 1F00-1FF6 2D27-2D2D 2D80-2DDE 3005-3006 "
    "3041-3096 309D-312D 312F 31A0-31BF 3400-9FFF A67F A9E7-A9FE AA60-AA7F AB01-AB2E AC00-D7A3 FA0E-FA29 "
    "11301 11303 1133C 16FF0-16FF1 1B11F-1B167 1E7E0-1E7FE 20000-2EBE0 30000-3134A"
)

_LIKE_ASCII = _ranges(
    "131 3B1 3B3 3B9 3BD 3BF 3C1 3C3 3C5 430 431 433 435 43E 440 441 443 445 455 456 458 4AF 4BB 4BD 4CF "
    "51B 51D 561 563 566 570 578 57C 57D 581 584 585 5D5 5D8 5DF 5E1 627 647 6BE 6C1 6D5 B03 B20 C02 C82 "
    "D02 D20 D82 101D 10E7 10FF 12D0"
    # Unicode maps these to other letters, but readers take them for k and x.
    " 138 3BA 3C7"
)


def is_recommended(character: str) -> bool:
    """Return whether a case-folded character is a letter or a mark that Unicode recommends."""
    return unicodedata.category(character)[0] in "LM" and any(
        ord(character) in codes for codes in _RECOMMENDED
    )


def looks_like_ascii(character: str) -> bool:
    """Return whether a recommended letter looks like an ASCII letter or digit."""
    return any(ord(character) in codes for codes in _LIKE_ASCII)


def script_of(character: str) -> str:
    """Return the script of a recommended letter or mark: the first word of its name."""
    return unicodedata.name(character).split(" ")[0].split("-")[0]
