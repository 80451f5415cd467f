"""The running demo as one value, for the checks and the instructions."""

import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from daypass.demo.aws import Aws, Keys
from daypass.demo.http_client import HttpClient
from daypass.demo.saved_state import UserSecrets
from daypass.demo.seed.aws import TenantResources
from daypass.demo.seed.fixtures import TenantPlan


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant in the portal and in AWS."""

    id: str
    plan: TenantPlan
    resources: TenantResources


@dataclass(frozen=True, slots=True)
class DemoEnvironment:
    """A portal, an AWS and an identity provider, seeded and running."""

    portal_url: str
    trust: ssl.SSLContext
    provider_url: str
    provider_variables: Mapping[str, str]
    """The portal's configuration of the identity provider; the client secret is in a file that it names."""
    aws_endpoint_url: str
    aws: Aws
    """Clients with the keys of the account's root user."""
    root_keys: Keys
    portal_keys: Keys
    database_url: str
    tenants: Mapping[str, Tenant]
    accounts: Mapping[str, UserSecrets]
    has_scim: bool
    """Whether the identity provider provisions by SCIM."""
    move_clock: Callable[[timedelta], object]
    """Moves the clock of the demo's AWS, not that of this machine."""

    def client_of(self, username: str) -> HttpClient:
        """Return a client with the user's API token."""
        return HttpClient(self.portal_url, self.trust, self.accounts[username].api_token.reveal())

    @contextmanager
    def clock_ahead(self, by: timedelta) -> Iterator[None]:
        """Set AWS's clock ahead within the block."""
        self.move_clock(by)
        try:
            yield
        finally:
            self.move_clock(-by)
