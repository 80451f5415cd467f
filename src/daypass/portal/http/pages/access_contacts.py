"""The contacts whom users ask for access."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from daypass.portal.config.providers import ProviderConfig
from daypass.portal.http.services import Services
from daypass.portal.identity.providers.base import RedirectProvider

_SHOWN_ADMINISTRATORS = 3


@dataclass(frozen=True, slots=True)
class AccessContacts:
    """The contacts of a portal: the text that the operator configured, or the names of Administrators.

    The names are for users whom the company knows. At some providers strangers can have an account.
    """

    text: str
    first_administrators: Callable[[int], Sequence[str]]
    providers: Mapping[str, ProviderConfig]

    @classmethod
    def of(cls, services: Services) -> "AccessContacts":
        """Return the contacts of a portal."""
        configs = [each.config for each in services.providers if isinstance(each, RedirectProvider)]
        return cls(
            services.config.contact,
            services.users.first_administrators,
            {config.name: config for config in configs},
        )

    def for_stranger(self) -> Sequence[str]:
        """Return the contacts for a visitor who is not signed in; empty if the operator configured none."""
        return [self.text] if self.text else []

    def for_user_of(self, provider: str | None) -> Sequence[str]:
        """Return the contacts for a user of that provider, None being the portal's own passwords."""
        config = None if provider is None else self.providers.get(provider)
        if self.text or (config is not None and not config.is_of_one_company):
            return self.for_stranger()
        return self.first_administrators(_SHOWN_ADMINISTRATORS)
