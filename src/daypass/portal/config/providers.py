"""The configuration of OpenID Connect providers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from daypass.portal.config import entra
from daypass.portal.secret import Secret


class GroupSource(StrEnum):
    """The source of the groups of a provider's users."""

    NONE = "none"
    CLAIM = "claim"
    """A claim of the ID token, at each sign-in."""
    SCIM = "scim"
    """Provisioning by SCIM; the claim is ignored."""


@dataclass(frozen=True, slots=True)
class ProviderConfig:
    """An OpenID Connect provider, as the operator configured it."""

    name: str
    """The name in paths, stored sessions and audit events: 1 to 64 lower-case letters, digits and hyphens."""
    issuer: str
    """The issuer identifier, byte for byte as the provider's metadata has it."""
    client_id: str
    client_secret: Secret | None = None
    """None for a public client."""
    label: str = ""
    """The name for users; the provider's name if it is empty."""
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    username_claim: str = "preferred_username"
    """The claim with the username of an account that the first sign-in creates."""
    email_domains: frozenset[str] = frozenset()
    """The domains of accepted e-mail addresses; empty if all are."""
    required_claims: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """The exact value of claims that an ID token must have, such as `hd` of Google."""
    creates_users: bool = False
    """Whether the first sign-in of an unknown account creates a user."""
    links_by_email: bool = False
    """Whether the first sign-in may link the account to an existing user by a verified e-mail address."""
    external_id_claim: str = "sub"
    """The claim whose value is the `externalId` of a user whom SCIM created."""
    groups: GroupSource = GroupSource.NONE
    groups_claim: str = "groups"
    makes_administrators: bool = False
    """Whether groups of this provider may make their members Administrators."""
    acr_values: tuple[str, ...] = ()
    """The authentication context class references, one of which a reauthentication demands."""
    algorithms: tuple[str, ...] = ("RS256", "PS256", "ES256", "EdDSA")
    """The accepted signature algorithms of ID tokens and logout tokens (RFC 7518, section 3.1)."""
    sends_id_token_hint: bool = False
    """Whether logout at the provider needs the ID token; it is then stored, encrypted, with the session."""

    @property
    def is_of_one_company(self) -> bool:
        """Whether strangers are refused: by the claims of their accounts, or as no tenant of the issuer."""
        return bool(self.email_domains or self.required_claims) or entra.is_tenant(self.issuer)

    @property
    def names_users_by_email(self) -> bool:
        """Whether the first sign-in makes the username of the e-mail address."""
        return self.creates_users and self.username_claim == "email"

    @property
    def title(self) -> str:
        """The name for users, as in “Sign in with …”."""
        return self.label or self.name
