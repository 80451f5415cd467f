"""Parsing of durations. Imported on the path that prints cached keys, so it avoids importing `re`."""

_UNITS = {"h": 3600, "m": 60, "s": 1}
_MOST_DIGITS = 9
"""Numbers with more digits are beyond any limit, and very long ones are slow to parse."""


def seconds_of(text: str) -> int:
    """Return *text* in seconds: `3600`, `3600s`, `90m`, `2h` or `1h30m`, in either case.

    A number without a unit means seconds. With several units, each comes once and the larger one first.
    Raises ValueError for anything else.
    """
    if _is_number(text):
        return _number(text)
    total, digits, units = 0, "", list(_UNITS)
    for letter in text.lower():
        if letter in units and digits:
            total += _number(digits) * _UNITS[letter]
            units, digits = units[units.index(letter) + 1 :], ""
        elif _is_number(letter):
            digits += letter
        else:
            raise ValueError("not a duration")
    if digits or not text:
        raise ValueError("not a duration")
    return total


def _is_number(text: str) -> bool:
    # str.isdigit accepts the digits of every script.
    return text.isascii() and text.isdigit()


def _number(digits: str) -> int:
    significant = digits.lstrip("0")
    return int(significant or "0") if len(significant) <= _MOST_DIGITS else 10**_MOST_DIGITS
