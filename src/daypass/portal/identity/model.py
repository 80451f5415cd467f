"""Who somebody is, and what stands for them."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

UserId = NewType("UserId", str)
TokenId = NewType("TokenId", str)


class Role(StrEnum):
    """What a user is in the portal, by the words of its pages and of the legacy clients."""

    USER = "User"
    ADMINISTRATOR = "Administrator"


class TokenKind(StrEnum):
    """What a token is good for; one kind is never taken for another."""

    TEMPORARY = "temporary"
    PERMANENT = "permanent"


BEARER_KINDS = frozenset({TokenKind.TEMPORARY, TokenKind.PERMANENT})
"""The kinds that stand for their owner on every request."""


@dataclass(frozen=True, slots=True)
class User:
    """A person or a service account that may use the portal."""

    id: UserId
    username: str
    role: Role

    @property
    def is_administrator(self) -> bool:
        """Whether this user runs the portal."""
        return self.role is Role.ADMINISTRATOR


@dataclass(frozen=True, slots=True)
class ApiToken:
    """What is known of a token; the token itself is not kept anywhere."""

    id: TokenId
    kind: TokenKind
    name: str
    user_id: UserId
    created_at: datetime
    expires_at: datetime
    grant_ends_at: datetime | None
    last_used_at: datetime | None = None


def canonical_username(typed: str) -> str:
    """The one spelling of a username: NFKC, case-folded, trimmed.

    Folding can undo a normal form, so it is normalised once more (Unicode, section 3.13).
    """
    folded = unicodedata.normalize("NFKC", typed).casefold()
    return unicodedata.normalize("NFKC", folded).strip()
