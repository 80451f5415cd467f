"""The demo's identity provider as a process, and the portal's configuration for it."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from daypass.demo.identity_provider.endpoints import METADATA_PATH
from daypass.demo.identity_provider.settings import Client, Person, ProviderSettings
from daypass.demo.processes import Child, ProcessGroup
from daypass.demo.seed.fixtures import USERS
from daypass.demo.state_dir import StateDirectory
from daypass.portal.secret import Secret

NAME = "demo"
"""The provider's name in the portal's configuration."""
LABEL = "Demo identity provider"
_SETTINGS, _KEY, _SECRET = "provider.json", "provider-key.pem", "provider-client-secret"


@dataclass(frozen=True, slots=True)
class DemoProvider:
    """The running provider."""

    process: Child
    issuer: str
    variables: Mapping[str, str]
    """The portal's environment variables; the client secret is in a file that they name."""

    @property
    def metadata_url(self) -> str:
        """The address that answers once the provider serves."""
        return f"{self.issuer}{METADATA_PATH}"


def people() -> tuple[Person, ...]:
    """Return the users of the demo who sign in."""
    return tuple(
        Person(user.username, user.name, user.groups) for user in USERS if not user.is_service_account
    )


def start_provider(
    folder: StateDirectory,
    processes: ProcessGroup,
    port: int,
    portal_url: str,
    authority: Path,
    *,
    has_scim: bool = False,
) -> DemoProvider:
    """Start the provider with the portal as its client, and a new client secret."""
    secret = secrets.token_urlsafe(32)
    at_portal = f"{portal_url}/sign-in/oidc/{NAME}"
    client = Client(
        id="daypass",
        secret=Secret(secret),
        redirect_uri=f"{at_portal}/callback",
        post_logout_redirect_uri=f"{at_portal}/signed-out",
        backchannel_logout_uri=f"{at_portal}/logout",
    )
    settings = ProviderSettings(port, client, people(), str(folder.path / _KEY), str(authority))
    settings_file = folder.write(_SETTINGS, settings.to_json())
    secret_file = folder.write(_SECRET, secret.encode())
    process = processes.start_module(
        "identity provider", "daypass.demo.identity_provider", [str(settings_file)]
    )
    return DemoProvider(process, settings.issuer, _variables(settings, secret_file, has_scim=has_scim))


def _variables(settings: ProviderSettings, secret_file: Path, *, has_scim: bool) -> dict[str, str]:
    values = {
        "LABEL": LABEL,
        "ISSUER": settings.issuer,
        "CLIENT_ID": settings.client.id,
        "CLIENT_SECRET_FILE": str(secret_file),
        "SCOPES": "openid,profile,email,groups",
        "CREATES_USERS": "true",
        "GROUPS": "scim" if has_scim else "claim",
        "SENDS_ID_TOKEN_HINT": "true",
        "ACR_VALUES": "mfa",
    }
    return {f"DAYPASS_PROVIDER_{NAME.upper()}_{key}": value for key, value in values.items()}
