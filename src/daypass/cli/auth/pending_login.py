"""A sign-in that a person was asked for and has not answered yet. Imported only where somebody signs in."""

import json
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, slots=True)
class Pushed:
    """A request that the portal took in; `verifier` and `state` never leave before their time."""

    request_uri: str
    match_code: str
    state: str = field(repr=False)
    verifier: str = field(repr=False)
    redirect_uri: str
    life: int


@dataclass(frozen=True, slots=True)
class Pending:
    """What was asked for, and where the answer is waited for: whoever holds the lock next goes on with it."""

    pushed: Pushed
    port: int
    path: str = field(repr=False)

    def to_bytes(self) -> bytes:
        """As it is kept."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Pending | None":
        """What was kept; None where another version kept it."""
        known = json.loads(content)
        try:
            return cls(Pushed(**known.pop("pushed")), **known)
        except (KeyError, TypeError):
            return None
