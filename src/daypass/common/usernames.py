"""The canonical form of usernames, under which the portal stores them and `daypass apply` compares them."""

import unicodedata


def canonical_username(typed: str) -> str:
    """Return the canonical form of a username: NFKC, case-folded, trimmed.

    Case folding can undo NFKC, so the result is normalised again (Unicode, section 3.13).
    """
    folded = unicodedata.normalize("NFKC", typed).casefold()
    return unicodedata.normalize("NFKC", folded).strip()
