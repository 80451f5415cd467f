"""Claims of ID tokens: how rules name them, how their values are compared, and the tags made from them."""

import re
from collections.abc import Mapping

LONGEST_TAG_VALUE = 256
"""AWS's limit for the value of a session tag."""

# AWS allows letters and digits of every script, spaces and these signs, and refuses some other white space.
_ILLEGAL_IN_TAG = re.compile(r"[^\w .:/=+\-@]")


def find_claim(claims: Mapping[str, object], name: str) -> str | None:
    """Return the text of a claim, or None if it is missing or no string, number or boolean.

    A name that begins with a slash is a JSON Pointer (RFC 6901) into nested claims; any other is the name of
    a top-level claim. Numbers and booleans have the text that JSON has for them.
    """
    value: object = claims.get(name)
    if name.startswith("/"):
        value = claims
        for part in name[1:].split("/"):
            # In this order (RFC 6901, section 4); in the other one, `~01` would become a slash.
            key = part.replace("~1", "/").replace("~0", "~")
            value = value.get(key) if isinstance(value, Mapping) else None
    # Before the numbers, because Python's booleans are numbers, whose text is `True`.
    if isinstance(value, bool):
        return "true" if value else "false"
    # No float: its text depends on the writer, and no issuer sends an identity as one.
    return str(value) if isinstance(value, str | int) else None


def find_mismatch(claims: Mapping[str, object], demanded: Mapping[str, str]) -> str | None:
    """Return the name of the first demanded claim whose value is missing or another, or None."""
    return next((name for name, value in demanded.items() if find_claim(claims, name) != value), None)


def has_audience(claims: Mapping[str, object], audience: str) -> bool:
    """Return whether the token is for *audience* alone; a list may have this one entry only."""
    # Every other party of a token with several audiences could use it here.
    return claims.get("aud") in (audience, [audience])


def tag_values(claims: Mapping[str, object], tags: Mapping[str, str]) -> Mapping[str, str]:
    """Return the values of session tags by name; *tags* has the name for each claim.

    A claim that is missing or empty gives no tag. Characters that AWS refuses are replaced by a dash.
    """
    values = {name: find_claim(claims, claim) for claim, name in tags.items()}
    return {
        name: _ILLEGAL_IN_TAG.sub("-", value)[:LONGEST_TAG_VALUE] for name, value in values.items() if value
    }
