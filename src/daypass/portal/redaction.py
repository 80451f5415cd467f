"""Redaction of secrets that people type where none belongs, before anything is recorded."""

import re

_MARK = "[redacted]"

# Without regard to case, because usernames are folded. The least length spares sentences about prefixes.
# The first letter stands apart: a search for a set of letters is twice as fast as one without regard to case.
TOKEN = r"(?P<token>[dD](?i:aypass_(?:tmp|pat|web|jit|cli|ref|dev|code)_))[A-Za-z0-9_]{8,}"  # noqa: S105  a pattern
"""Matches an API token, a device's or a code; the group `token` is its prefix. Log lines mask it too."""

# Folded, it could be a word; then a digit tells that it is none.
_KEY_ID = (
    r"(?<![A-Za-z0-9])(?P<key_id>AKIA|ASIA|(?:akia|asia)(?=[a-z]*[0-9]))"
    r"(?:(?<=[A-Z])[A-Z0-9]{16}|(?<=[a-z])[a-z0-9]{16})(?![A-Za-z0-9])"
)

# A secret access key has 40 characters of Base64, a session token hundreds. Digests are hexadecimal, and
# words have no digits, so all three kinds of characters must be there.
_MIXED = r"(?=[A-Za-z0-9/+]*[0-9])(?=[A-Za-z0-9/+]*[a-z])(?=[A-Za-z0-9/+]*[A-Z])"
_SECRET_KEY = rf"(?<![A-Za-z0-9/+]){_MIXED}(?:[A-Za-z0-9/+]{{40}}|[A-Za-z0-9/+]{{100,}}=*)(?![A-Za-z0-9/+])"

_SECRETS = re.compile(f"{TOKEN}|{_KEY_ID}|{_SECRET_KEY}")
_OF_AN_ARN = re.compile(f"{TOKEN}|{_KEY_ID}")


def redacted(text: str) -> str:
    """Return *text* with a mark in place of what looks like one of our tokens or an AWS key.

    The prefix that tells the kind stays. Apply it before *text* is cut: half a key looks like none.
    """
    # The path of a role may look like a key.
    if text.startswith("arn:"):
        return _OF_AN_ARN.sub(_masked, text)
    return _SECRETS.sub(_masked, text)


def _masked(found: re.Match[str]) -> str:
    return (found["token"] or found["key_id"] or "") + _MARK
