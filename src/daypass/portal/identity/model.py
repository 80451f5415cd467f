"""Who somebody is, and what stands for them."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv6Address, ip_address, ip_network
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
    BROWSER = "browser"
    """A sign-in: its secret is a browser's cookie, and it counts nowhere else."""
    APPROVAL = "approval"
    """A legacy client's, approved in the browser: for JIT access only."""
    CLI = "cli"
    """What our own command line works with."""
    REFRESH = "refresh"
    """What our own command line gets the next one with."""


BEARER_KINDS = frozenset({TokenKind.TEMPORARY, TokenKind.PERMANENT, TokenKind.CLI})
"""The kinds that stand for their owner on every request."""

CONSENTED_KINDS = frozenset({TokenKind.APPROVAL, TokenKind.CLI, TokenKind.REFRESH})
"""The kinds that reach no further than what their owner agreed to."""


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
    parent_id: TokenId | None = None
    """The sign-in or approval that this one stands on and ends with; that one has no parent itself."""
    application: str = ""
    """What the token was made for, where an application asked for it."""
    allows_admin: bool = False
    """Whether its owner agreed to the master role; counts for the kinds that stand on a consent."""
    use_by: datetime | None = None
    """Void unless it was used before."""
    address: str = ""
    """Where it was made; of an approval, where it was used last."""
    reauthentication_exempt: bool = False
    """Whether it makes administrative changes that otherwise need a recent sign-in: for automation."""
    authorized_at: datetime | None = None
    """When the owner authorized the command line that it belongs to; renewing a token leaves it."""

    @property
    def reaches_admin(self) -> bool:
        """Whether the master role may be asked for with it, if its owner may at all."""
        return self.allows_admin or self.kind not in CONSENTED_KINDS


def canonical_username(typed: str) -> str:
    """The one spelling of a username: NFKC, case-folded, trimmed.

    Folding can undo a normal form, so it is normalised once more (Unicode, section 3.13).
    """
    folded = unicodedata.normalize("NFKC", typed).casefold()
    return unicodedata.normalize("NFKC", folded).strip()


def network_of(address: str) -> str:
    """What stands for whoever is at *address*: itself or, with IPv6, the home's worth of them around it."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or ip_network((parsed, 64), strict=False))
