"""Redaction of secrets in user input, before it is recorded."""

import re

_MARK = "[redacted]"

# Case-insensitive, because usernames are case-folded. The minimum length spares sentences about prefixes.
# A character set for the first letter makes the search twice as fast as a case-insensitive group.
TOKEN = r"(?P<token>[dD](?i:aypass_(?:tmp|pat|web|jit|cli|ref|wlt|dev|code|wch|rec|scim)_))[A-Za-z0-9_]{8,}"  # noqa: S105  a pattern
"""Matches the secrets that `identity.tokens` mints; the group `token` is their prefix. Logs mask it too."""

# In lower case it could be a word, so one digit is required then.
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

_SHORTEST_SECRET_KEY = 40


def redacted(text: str) -> str:
    """Return *text* with a mark in place of what looks like one of our tokens or an AWS key.

    The prefix stays, since it tells the kind. Apply it before *text* is cut: half a key does not match.
    """
    # The path of a role may look like a secret key.
    is_arn = text.startswith("arn:")
    if is_arn or len(text) < _SHORTEST_SECRET_KEY:
        # Most texts of audit events end here, after a fifth of the time that a search takes: every token and
        # key id contains one of these. A search that ignores case finds some letters outside ASCII as well.
        lower = text.lower()
        if text.isascii() and not ("daypass_" in lower or "akia" in lower or "asia" in lower):
            return text
    return (_OF_AN_ARN if is_arn else _SECRETS).sub(_masked, text)


def _masked(found: re.Match[str]) -> str:
    return (found["token"] or found["key_id"] or "") + _MARK
