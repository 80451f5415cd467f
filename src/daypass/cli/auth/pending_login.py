"""Login requests that wait for the user's answer. Imported only while a user signs in."""

import json
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, slots=True)
class Pushed:
    """A pushed authorization request; `verifier` and `state` stay secret until the code is redeemed."""

    request_uri: str
    match_code: str
    state: str = field(repr=False)
    verifier: str = field(repr=False)
    redirect_uri: str
    life: int


@dataclass(frozen=True, slots=True)
class Pending:
    """A pushed request and its callback address, with which the next holder of the lock can resume it."""

    pushed: Pushed
    port: int
    path: str = field(repr=False)

    def to_bytes(self) -> bytes:
        """Return the content of the file."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Pending | None":
        """Read the content of the file; return None if another version wrote it."""
        fields = json.loads(content)
        try:
            return cls(Pushed(**fields.pop("pushed")), **fields)
        except (KeyError, TypeError):
            return None
