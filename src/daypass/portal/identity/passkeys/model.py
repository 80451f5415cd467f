"""Passkeys, challenges, and the relying party that both are made for."""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address
from urllib.parse import urlsplit

from daypass.portal.errors import InvalidRequest
from daypass.portal.identity.model import TokenId, UserId
from daypass.portal.secret import Secret

CHALLENGE_LIFETIME = timedelta(minutes=5)
"""The time in which a browser must answer a challenge."""

MOST_PASSKEYS = 20
"""The most passkeys of one user."""

_HARDWARE, _SOFTWARE = "hwk", "swk"
PASSKEY_METHODS = frozenset({_HARDWARE, _SOFTWARE})
"""The authentication method references of passkeys (RFC 8176)."""

SINGLE_DEVICE = "single_device"
"""The device type of a passkey that cannot leave its authenticator."""


class Purpose(StrEnum):
    """The purpose that a challenge was made for; an answer counts for no other."""

    REGISTER = "register"
    """A signed-in user adds a passkey."""
    REAUTHENTICATE = "reauthenticate"
    SECOND_FACTOR = "second_factor"
    """A passkey is shown after the password."""
    ENROL = "enrol"
    """A user without passkeys, of whom one is required, registers the first one after the password."""
    RECOVER = "recover"
    """A user with a recovery link registers a passkey after the password."""

    @property
    def registers(self) -> bool:
        """Whether the answer is a new passkey."""
        return self not in {Purpose.REAUTHENTICATE, Purpose.SECOND_FACTOR}


@dataclass(frozen=True, slots=True)
class Passkey:
    """A registered WebAuthn credential."""

    credential_id: bytes
    user_id: UserId
    public_key: bytes
    """The key in the format of COSE (RFC 9052)."""
    sign_count: int
    device_type: str
    """`single_device`, or `multi_device` for a passkey that its provider synchronizes between devices."""
    is_backed_up: bool
    aaguid: str
    """The model of the authenticator, as it says itself; nothing depends on it."""
    name: str
    created_at: datetime
    last_used_at: datetime | None = None

    @property
    def id(self) -> str:
        """The credential id as text, for forms and audit events."""
        return base64url(self.credential_id)

    @property
    def method(self) -> str:
        """The authentication method reference (RFC 8176): a hardware- or a software-secured key."""
        return _HARDWARE if self.device_type == SINGLE_DEVICE else _SOFTWARE

    @property
    def is_synced(self) -> bool:
        """Whether the passkey exists on several devices of its owner."""
        return self.device_type != SINGLE_DEVICE


@dataclass(frozen=True, slots=True)
class Challenge:
    """A challenge without an answer. The database has one row for it, which the answer deletes first."""

    user_id: UserId
    purpose: Purpose
    token_id: TokenId | None
    """The session that asks; None before there is one."""
    challenge: bytes = field(repr=False)
    created_at: datetime
    next: str = ""
    """The page to return to after a sign-in."""
    record_digest: bytes | None = field(default=None, repr=False)
    """For a sign-in: the digest of the facts that the password was checked against."""

    @property
    def expires_at(self) -> datetime:
        """The end of the time in which it can be answered."""
        return self.created_at + CHALLENGE_LIFETIME


@dataclass(frozen=True, slots=True)
class Ceremony:
    """A challenge on its way to a browser."""

    handle: Secret
    """The name by which the answer refers to the challenge; only its digest is stored."""
    options: Mapping[str, object]
    """The JSON form of the options for `navigator.credentials` (Web Authentication, section 5.1.8)."""


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """The portal as browsers see it: passkeys work at this origin only, and end if its host changes."""

    origin: str
    """The public URL, without a path."""
    name: str = "Daypass"

    @property
    def id(self) -> str:
        """The relying party id: the host of the public URL."""
        return urlsplit(self.origin).hostname or ""

    @property
    def unavailable_reason(self) -> str:
        """The reason why browsers have no passkeys for this portal, for users; empty if they have."""
        if _is_address(self.id):
            return (
                f"Passkeys need a host name, and this portal's address is {self.id}. Ask the portal's "
                "operator to set DAYPASS_PUBLIC_URL to an https address with a host name."
            )
        if urlsplit(self.origin).scheme != "https" and self.id != "localhost":
            return (
                "Passkeys need https, and this portal's address has none. Ask the portal's operator to set "
                "DAYPASS_PUBLIC_URL to an https address."
            )
        return ""

    def check_available(self) -> None:
        """Raise `InvalidRequest` if browsers have no passkeys for this portal."""
        if reason := self.unavailable_reason:
            raise InvalidRequest(reason)


def base64url(data: bytes) -> str:
    """Return *data* in base64url without padding (RFC 4648, section 5), as WebAuthn has it."""
    return urlsafe_b64encode(data).decode().rstrip("=")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
