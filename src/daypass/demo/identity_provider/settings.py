"""The settings of the demo's OpenID provider, which the demo writes and the provider's process reads."""

import json
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from daypass.portal.secret import Secret


@dataclass(frozen=True, slots=True)
class Person:
    """A person who can sign in at the provider."""

    username: str
    name: str
    groups: tuple[str, ...]

    @property
    def subject(self) -> str:
        """The claim `sub`: the same in every run, and no name."""
        return uuid.uuid5(uuid.NAMESPACE_URL, f"daypass-demo:{self.username}").hex


@dataclass(frozen=True, slots=True)
class Client:
    """The provider's only client: the demo's portal, with its registered addresses."""

    id: str
    secret: Secret
    redirect_uri: str
    post_logout_redirect_uri: str
    backchannel_logout_uri: str


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """All settings."""

    port: int
    client: Client
    people: tuple[Person, ...]
    key_file: str
    """The path of the private key, which the provider creates if it is missing."""
    ca_file: str | None = None
    """The certificate authority of the client's logout endpoint; None for the system's authorities."""

    @property
    def issuer(self) -> str:
        """The issuer identifier: a loopback address, so clients accept it without TLS."""
        return f"http://127.0.0.1:{self.port}"

    def person(self, username: str) -> Person | None:
        """Return the person with this username, or None."""
        return next((person for person in self.people if person.username == username), None)

    def to_json(self) -> bytes:
        """Return the settings, with the client's secret, for a private file."""
        client = {name: getattr(self.client, name) for name in Client.__slots__}
        content = {
            "port": self.port,
            "client": client | {"secret": self.client.secret.reveal()},
            "people": [asdict(person) for person in self.people],
            "key_file": self.key_file,
            "ca_file": self.ca_file,
        }
        return json.dumps(content, indent=2).encode()


def read(path: Path) -> ProviderSettings:
    """Read the settings that `ProviderSettings.to_json` wrote."""
    content: dict[str, Any] = json.loads(path.read_bytes())
    client, people = content.pop("client"), content.pop("people")
    return ProviderSettings(
        client=Client(**client | {"secret": Secret(client["secret"])}),
        people=tuple(Person(each["username"], each["name"], tuple(each["groups"])) for each in people),
        **content,
    )
