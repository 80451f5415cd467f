"""The identity providers of a portal."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from daypass.portal.errors import SignInAgain
from daypass.portal.identity.model import ApiToken
from daypass.portal.identity.providers.base import (
    LOCAL_PASSWORD,
    IdentityProvider,
    PasswordProvider,
    RedirectProvider,
)

_NAME = re.compile("[a-z0-9-]{1,64}")


@dataclass(frozen=True, slots=True)
class IdentityProviders:
    """The providers of a portal, in the order in which the sign-in page offers them.

    Raises `ValueError` if two providers have the same name, two of them check passwords, or a name cannot be
    in a path or is reserved: sessions store the name, and the sign-in page has one form for a password.
    """

    providers: Sequence[IdentityProvider]

    def __post_init__(self) -> None:
        """Refuse providers that cannot be told apart."""
        if len({provider.name for provider in self.providers}) < len(self.providers):
            raise ValueError("two identity providers have the same name")
        if sum(isinstance(provider, PasswordProvider) for provider in self.providers) > 1:
            raise ValueError("two identity providers check passwords")
        for provider in self.providers:
            is_redirect = isinstance(provider, RedirectProvider)
            # Sessions of the portal's own passwords are stored without a name, so no other may have theirs.
            if not _NAME.fullmatch(provider.name) or (is_redirect and provider.name == LOCAL_PASSWORD):
                raise ValueError(f"an identity provider cannot have the name {provider.name!r}")

    def __iter__(self) -> Iterator[IdentityProvider]:
        return iter(self.providers)

    def for_session(self, session: ApiToken) -> IdentityProvider:
        """Return the provider that proved the identity behind a browser session.

        Raises `SignInAgain` if the portal has no such provider any more.
        """
        name = provider_name(session)
        for provider in self.providers:
            if provider.name == name:
                return provider
        raise SignInAgain("The portal no longer accepts the way in which you signed in. Sign in again.")


def provider_name(session: ApiToken) -> str:
    """Return the name of the provider that proved the identity behind a browser session."""
    return session.provider or LOCAL_PASSWORD
