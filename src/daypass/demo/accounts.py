"""What the demo remembers from one run to the next: its people's secrets, and its tenants' ids."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from daypass.demo.state_dir import StateDirectory
from daypass.portal.secret import Secret

FILE = "accounts.json"


@dataclass(frozen=True, slots=True)
class Account:
    """How one user signs in; a service account has no password."""

    username: str
    password: Secret | None
    api_token: Secret


@dataclass(frozen=True, slots=True)
class TenantIds:
    """What the portal and AWS both know a tenant by."""

    id: str
    external_id: str


@dataclass(frozen=True, slots=True)
class Accounts:
    """What is kept in one file of the state folder. That file is written when the portal's database is
    complete, so its being there says that the database is."""

    tenants: Mapping[str, TenantIds]
    users: Mapping[str, Account]


def load(state: StateDirectory) -> Accounts | None:
    """What an earlier run left, if one came that far."""
    try:
        kept = json.loads((state.path / FILE).read_bytes())
    except FileNotFoundError:
        return None
    return Accounts(
        tenants={name: TenantIds(**key) for name, key in kept["tenants"].items()},
        users={
            username: Account(
                username,
                Secret(one["password"]) if one["password"] else None,
                Secret(one["api_token"]),
            )
            for username, one in kept["people"].items()
        },
    )


def save(state: StateDirectory, accounts: Accounts) -> None:
    """Keep it for the next run."""
    kept = {
        "tenants": {
            name: {"id": key.id, "external_id": key.external_id} for name, key in accounts.tenants.items()
        },
        "people": {
            username: {
                "password": one.password.reveal() if one.password else None,
                "api_token": one.api_token.reveal(),
            }
            for username, one in accounts.users.items()
        },
    }
    state.write(FILE, json.dumps(kept, indent=2).encode())


def new_password() -> Secret:
    """A password that nobody has used before, and that can be typed."""
    return Secret(secrets.token_urlsafe(15))
