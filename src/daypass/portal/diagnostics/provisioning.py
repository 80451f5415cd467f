"""The checks of identity providers that provision by SCIM: whether they have a token, and use it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from daypass.portal.clock import Clock
from daypass.portal.config.model import PortalConfig
from daypass.portal.config.providers import GroupSource
from daypass.portal.diagnostics.finding import Finding, Level
from daypass.portal.identity.provisioning.model import MOST_TOKENS, SCIM_PATH, ScimToken
from daypass.portal.identity.provisioning.store.tokens import ScimTokenStore
from daypass.portal.storage.engine import Database

_QUIET = timedelta(days=30)
"""The time without a call after which provisioning may be broken. Some providers call only after a change."""

_ENTERING = timedelta(days=1)
"""The time in which an Administrator enters a second token at the provider."""


@dataclass(frozen=True, slots=True)
class ProvisioningDoctor:
    """Checks the tokens of identity providers in the database; it changes nothing."""

    config: PortalConfig
    database: Database
    clock: Clock

    def examine(self) -> Iterator[Finding]:
        """Yield the findings on each provider that provisions, or that still has a valid token."""
        configured = [each.name for each in self.config.providers if each.groups is GroupSource.SCIM]
        with self.database.reading() as connection:
            store = ScimTokenStore(connection)
            # A token of a provider that is not configured now would work again after one line in the
            # configuration.
            names = [*configured, *(each for each in store.providers() if each not in configured)]
            tokens = {name: store.of_provider(name, MOST_TOKENS) for name in names}
        for name, of_provider in tokens.items():
            valid = [token for token in of_provider if token.is_valid]
            if name not in configured:
                yield _not_configured(name)
            elif not valid:
                yield self._without_token(name)
            else:
                yield self._use(name, valid, of_provider)
                yield from self._unused(name, valid)

    @property
    def _address(self) -> str:
        return self.config.public_url + SCIM_PATH

    def _without_token(self, name: str) -> Finding:
        return _finding(
            name,
            Level.WARNING,
            "It is configured to provision by SCIM and has no valid token, so no user is created or "
            f"deactivated. Create a token, and enter it there with {self._address}.",
            f"daypass portal scim-token {name}",
        )

    def _use(self, name: str, valid: Sequence[ScimToken], every: Sequence[ScimToken]) -> Finding:
        """Return the finding on the last call with a valid token."""
        used = [token.last_used_at for token in valid if token.last_used_at is not None]
        if not used:
            before = [token.last_used_at for token in every if token.last_used_at is not None]
            last = (
                f" Its last call, with a token that was revoked, was on {_day(max(before))}."
                if before
                else ""
            )
            return _finding(
                name,
                Level.WARNING,
                f"No valid token of it was ever used for SCIM.{last} Enter the token there with "
                f"{self._address}, or create another one.",
            )
        last_call = max(used)
        if self.clock() - last_call > _QUIET:
            return _finding(
                name,
                Level.WARNING,
                f"Its last call by SCIM was on {_day(last_call)}. If users were changed there since, they "
                "are not changed here: look for the errors of provisioning at the provider.",
            )
        return _finding(name, Level.FINE, f"Its last call by SCIM was on {_day(last_call)}.")

    def _unused(self, name: str, valid: Sequence[ScimToken]) -> Iterator[Finding]:
        """Yield a finding on each token that the provider does not use beside another one."""
        now = self.clock()
        used = [token for token in valid if token.last_used_at is not None]
        # A single token is examined by `_use`, and a provider that has used neither token is about to be set
        # up.
        if len(valid) < 2 or not used:
            return
        for token in valid:
            if token.last_used_at is None and now - token.created_at > _ENTERING:
                yield _superfluous(name, token, "was never used")
            elif token.last_used_at is not None and self._is_replaced(token, used):
                yield _superfluous(name, token, f"was last used on {_day(token.last_used_at)}")

    def _is_replaced(self, token: ScimToken, used: Sequence[ScimToken]) -> bool:
        """Whether a newer token has been in use for longer than an Administrator needs to enter it."""
        last = token.last_used_at
        return last is not None and any(
            other.created_at > token.created_at
            and other.last_used_at is not None
            and other.last_used_at - last > _ENTERING
            for other in used
        )


def _superfluous(name: str, token: ScimToken, use: str) -> Finding:
    return _finding(
        name,
        Level.WARNING,
        f"Its token {token.id[:8]} of {_day(token.created_at)} {use}, while another one is in use. Revoke it "
        "on the page Provisioning.",
    )


def _not_configured(name: str) -> Finding:
    return _finding(
        name,
        Level.WARNING,
        "It has a valid token for SCIM, and the configuration does not let it provision. The token would "
        "work again with the configuration: revoke it on the page Provisioning.",
    )


def _finding(name: str, level: Level, sentence: str, patch: str = "") -> Finding:
    return Finding("provider_scim", level, f"identity provider {name}", sentence, patch)


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"
