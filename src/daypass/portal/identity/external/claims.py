"""The claims of an identity provider that decide about accounts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from daypass.common.usernames import canonical_username
from daypass.portal.config.providers import ProviderConfig

_LONGEST_EMAIL, _LONGEST_NAME = 320, 255


@dataclass(frozen=True, slots=True)
class AccountClaims:
    """The claims of an ID token that the portal uses of an account."""

    email: str
    """The e-mail address as the provider has it; empty if there is none."""
    is_email_verified: bool
    name: str
    """The value of the claim from which a username is made; empty if there is none."""

    @classmethod
    def of(cls, config: ProviderConfig, claims: Mapping[str, object]) -> "AccountClaims":
        """Read the claims of a provider; a value of another type counts as absent."""
        return cls(
            email=_text(claims.get("email"), _LONGEST_EMAIL),
            # Nothing but JSON's true: some providers send the text "false", which Python takes for true.
            is_email_verified=claims.get("email_verified") is True,
            name=_text(claims.get(config.username_claim), _LONGEST_NAME),
        )

    @property
    def verified_email(self) -> str:
        """The e-mail address in the canonical form of usernames; empty unless the provider verified it.

        One with a character beyond ASCII is empty too, because its canonical form can be another mailbox:
        that of `straße@example.com` is `strasse@example.com`.
        """
        is_exact = self.is_email_verified and self.email.isascii()
        return canonical_username(self.email) if is_exact else ""

    @property
    def domain(self) -> str:
        """The domain of the address in lower case; empty unless the provider verified it, and it is ASCII.

        So are the configured domains, and `straße.example` must not be taken for `strasse.example`.
        """
        local, _, domain = self.email.rpartition("@")
        return domain.lower() if self.is_email_verified and local and domain.isascii() else ""


def session_end(claims: Mapping[str, object]) -> datetime | None:
    """Return the end of the session at the provider, or None if the ID token does not tell it.

    The claim is `session_expiry` of OpenID Connect Enterprise Extensions, in seconds since 1970, which Okta
    and Auth0 can send. The claim `exp` of an ID token does not limit any session.
    """
    # Python takes JSON's booleans for the numbers 0 and 1.
    seconds = claims.get("session_expiry")
    if not isinstance(seconds, int | float) or isinstance(seconds, bool):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        # A time beyond the calendar limits nothing.
        return None


def _text(value: object, longest: int) -> str:
    if not isinstance(value, str) or len(value) > longest or not value.isprintable():
        return ""
    return value.strip()
