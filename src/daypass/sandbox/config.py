"""The sandbox's configuration."""

import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field

ROOT_KEY_VARIABLE = "DAYPASS_SANDBOX_ROOT_ACCESS_KEY_ID"
ROOT_SECRET_VARIABLE = "DAYPASS_SANDBOX_ROOT_SECRET_ACCESS_KEY"  # noqa: S105  a name, not a secret
DEFAULT_ACCOUNT = "111122223333"
DEFAULT_REGION = "us-east-1"

# The alphabets of AWS: Base32 for key IDs, Base64 for secret keys, here without the two characters that need
# escaping in URLs.
_KEY_ALPHABET = string.ascii_uppercase + "234567"
_SECRET_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class SandboxConfig:
    """The configuration of one sandbox: an account, a region, a root key and a loopback port."""

    port: int
    root_access_key_id: str
    root_secret_access_key: str = field(repr=False)
    control_token: str = field(repr=False)
    account_id: str = DEFAULT_ACCOUNT
    region: str = DEFAULT_REGION
    takes_templates: bool = False
    """Whether CloudFormation is served too. A template can start services that are otherwise disabled."""

    @property
    def origin(self) -> str:
        """The origin at which the sandbox answers. Never `localhost`: its cookies are sent to every port."""
        return f"http://127.0.0.1:{self.port}"


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A long-term access key and its secret."""

    access_key_id: str
    secret_access_key: str = field(repr=False)


def root_key(environment: Mapping[str, str]) -> KeyPair:
    """Return the root key from *environment*, or a random one; raises `ValueError` for half a key."""
    configured = environment.get(ROOT_KEY_VARIABLE), environment.get(ROOT_SECRET_VARIABLE)
    match configured:
        case (str() as key, str() as secret) if key and secret:
            return KeyPair(key, secret)
        case (None, None):
            return KeyPair("AKIA" + _random(_KEY_ALPHABET, 16), _random(_SECRET_ALPHABET, 40))
    raise ValueError(f"Set both {ROOT_KEY_VARIABLE} and {ROOT_SECRET_VARIABLE}, or neither.")


def _random(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))
