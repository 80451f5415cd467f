"""Login requests that wait for the user's answer, and their file.

Plain classes, because storing a refreshed session imports this module, and dataclasses load slowly.
"""

import json

from daypass.cli.cache.files import CacheFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar


class PushedRequest:
    """A pushed authorization request (RFC 9126) that expires *lifetime* seconds after it was sent.

    `verifier` and `state` stay secret until the code is redeemed. `max_age` is the age in seconds of the
    authentication that it asked for; None if it asked for none.
    """

    __slots__ = ("lifetime", "match_code", "max_age", "redirect_uri", "request_uri", "state", "verifier")

    def __init__(
        self,
        *,
        request_uri: str,
        match_code: str,
        state: str,
        verifier: str,
        redirect_uri: str,
        lifetime: int,
        max_age: int | None = None,
    ) -> None:
        self.request_uri = request_uri
        self.match_code = match_code
        self.state = state
        self.verifier = verifier
        self.redirect_uri = redirect_uri
        self.lifetime = lifetime
        self.max_age = max_age

    def asked_for(self, max_age: int | None) -> bool:
        """Return whether the answer proves an authentication of the last *max_age* seconds; None is any."""
        return max_age is None or (self.max_age is not None and self.max_age <= max_age)


class PendingLogin:
    """A pushed request and its callback address, with which the next holder of the lock can resume it."""

    SUFFIX: "ClassVar[str]" = ".pending"

    __slots__ = ("path", "port", "pushed", "pushed_at")

    def __init__(self, pushed: PushedRequest, port: int, path: str, pushed_at: int) -> None:
        self.pushed = pushed
        self.port = port
        self.path = path
        self.pushed_at = pushed_at

    def can_be_answered(self, now: float) -> bool:
        """Return whether the portal still accepts an answer to the request."""
        return self.pushed_at <= now < self.pushed_at + self.pushed.lifetime

    def to_file(self) -> CacheFile:
        """Return the content of the file: everything as JSON. The field names are part of its format."""
        pushed = {
            "request_uri": self.pushed.request_uri,
            "match_code": self.pushed.match_code,
            "state": self.pushed.state,
            "verifier": self.pushed.verifier,
            "redirect_uri": self.pushed.redirect_uri,
            "life": self.pushed.lifetime,
            # Left out if there is none: an earlier release ignores a file with an unknown field.
            **({} if self.pushed.max_age is None else {"max_age": self.pushed.max_age}),
        }
        body = json.dumps({"pushed": pushed, "port": self.port, "path": self.path}).encode()
        return CacheFile(self.pushed_at, self.pushed_at + self.pushed.lifetime, b"", body)

    @classmethod
    def from_file(cls, file: CacheFile) -> "PendingLogin | None":
        """Return the login in *file*; None if another version stored other fields. Raises ValueError."""
        fields = json.loads(file.body)
        try:
            pushed = fields.pop("pushed")
            lifetime = pushed.pop("life")
            return cls(PushedRequest(**pushed, lifetime=lifetime), pushed_at=file.valid_from, **fields)
        except (KeyError, TypeError, AttributeError):
            return None
