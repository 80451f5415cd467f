"""A portal token that was issued for a job's identity, in the private cache."""

import json

from daypass.cli.cache.files import CacheFile
from daypass.cli.runtime.digest import fingerprint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar

_MAX_MARGIN = 60
"""Seconds before its expiry from which a token is replaced; half of its lifetime if that is less."""


class WorkloadToken:
    """A portal token; `exchanged` is the digest of the identity token that it was issued for."""

    SUFFIX: "ClassVar[str]" = ".workload"

    __slots__ = ("access", "exchanged", "portal", "valid_from", "valid_until")

    def __init__(self, portal: str, access: str, exchanged: str, valid_from: int, valid_until: int) -> None:
        self.portal = portal
        self.access = access
        self.exchanged = exchanged
        self.valid_from = valid_from
        self.valid_until = valid_until

    def __repr__(self) -> str:
        return f"WorkloadToken({self.portal!r}, ***, valid_until={self.valid_until})"

    @classmethod
    def issued(cls, portal: str, access: str, id_token: str, now: float, lifetime: int) -> "WorkloadToken":
        """Return the record of a token that was issued *now* and is valid for *lifetime* seconds."""
        return cls(portal, access, digest(id_token), int(now), int(now + lifetime))

    def is_ready(self, now: float) -> bool:
        """Return whether the token may still be sent."""
        margin = min(_MAX_MARGIN, (self.valid_until - self.valid_from) / 2)
        # If the clock was set back to before the exchange, the remaining lifetime is unknown.
        return self.valid_from <= now < self.valid_until - margin

    def to_file(self) -> CacheFile:
        """Return the content of the file: the portal as its header, the token and the digest as its body."""
        body = json.dumps({"access": self.access, "exchanged": self.exchanged}).encode()
        return CacheFile(self.valid_from, self.valid_until, self.portal.encode(), body)

    @classmethod
    def from_file(cls, file: CacheFile) -> "WorkloadToken | None":
        """Return the record in *file*; raises ValueError if the content is of another kind."""
        fields = json.loads(file.body)
        if not isinstance(fields, dict) or not {"access", "exchanged"} <= fields.keys():
            return None
        return cls(
            file.header.decode(), fields["access"], fields["exchanged"], file.valid_from, file.valid_until
        )


def digest(id_token: str) -> str:
    """Return the digest by which an identity token that was exchanged is recognized."""
    return fingerprint(id_token.encode())
