"""The demo's state between runs: its users' secrets and its tenants' ids."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from daypass.demo.state_dir import StateDirectory
from daypass.portal.secret import Secret

FILE = "accounts.json"


@dataclass(frozen=True, slots=True)
class UserSecrets:
    """A user's secrets; a service account has no password."""

    username: str
    password: Secret | None
    api_token: Secret


@dataclass(frozen=True, slots=True)
class TenantIds:
    """A tenant's id in the portal and its external id in AWS."""

    id: str
    external_id: str


@dataclass(frozen=True, slots=True)
class SavedState:
    """The content of `FILE`, which is written last: if it exists, the portal's database is complete."""

    tenants: Mapping[str, TenantIds]
    users: Mapping[str, UserSecrets]


def load(state: StateDirectory) -> SavedState | None:
    """Return the state of an earlier run, or None if none got that far."""
    try:
        content = json.loads((state.path / FILE).read_bytes())
    except FileNotFoundError:
        return None
    return SavedState(
        tenants={name: TenantIds(**key) for name, key in content["tenants"].items()},
        users={
            username: UserSecrets(
                username,
                Secret(account["password"]) if account["password"] else None,
                Secret(account["api_token"]),
            )
            for username, account in content["people"].items()
        },
    )


def save(state: StateDirectory, saved: SavedState) -> None:
    """Write the state for the next run."""
    content = {
        "tenants": {
            name: {"id": key.id, "external_id": key.external_id} for name, key in saved.tenants.items()
        },
        "people": {
            username: {
                "password": account.password.reveal() if account.password else None,
                "api_token": account.api_token.reveal(),
            }
            for username, account in saved.users.items()
        },
    }
    state.write(FILE, json.dumps(content, indent=2).encode())


def new_password() -> Secret:
    """Return a random password that is short enough to type."""
    return Secret(secrets.token_urlsafe(15))
