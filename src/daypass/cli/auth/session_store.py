"""The session on disk: private, written atomically, changed by one process at a time."""

import json
from collections.abc import Callable
from contextlib import contextmanager

from daypass.cli.auth.pending_login import PendingLogin
from daypass.cli.cache import files, session_id
from daypass.cli.cache.files import CacheFile, UnsafeCacheFile
from daypass.cli.cache.locked import LockedFiles, LockSettings
from daypass.cli.cache.session_id import SessionId, SignedInPortal
from daypass.cli.runtime.errors import Misconfigured, SignInNeeded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import ClassVar

    from daypass.cli.auth.oauth_client import Tokens
    from daypass.cli.auth.pending_login import PushedRequest

Now = Callable[[], float]

_MIN_SESSION_LEFT = 16 * 60
"""Seconds before its end from which a session is unusable: AWS issues nothing for less than 15 minutes."""

_MIN_TOKEN_LEFT = 60
"""Minimum remaining lifetime, in seconds, of a token that is sent."""

_PROMPT_COOLDOWN = 60
"""Seconds after a declined prompt during which no further prompt opens automatically."""

_LOCK = LockSettings(
    "sign-in",
    # A little longer than the user has to answer.
    200.0,
    "waiting for another daypass that signs in",
    "Another daypass waits for a sign-in that is not answered. Run `daypass login`.",
)


class LoginDeclined(SignInNeeded):
    """The user declined the sign-in or did not answer; it may be retried."""


class StoredSession:
    """A session with its tokens, as stored on disk; times are seconds since 1970."""

    SUFFIX: "ClassVar[str]" = SessionId.SUFFIX

    __slots__ = ("access", "access_until", "allows_admin", "id", "refresh", "since", "until", "username")

    def __init__(
        self,
        *,
        id: str,  # noqa: A002  the portal's word
        username: str,
        allows_admin: bool,
        access: str,
        access_until: float,
        refresh: str,
        since: float,
        until: float,
    ) -> None:
        self.id = id
        self.username = username
        self.allows_admin = allows_admin
        self.access = access
        self.access_until = access_until
        self.refresh = refresh
        self.since = since
        self.until = until

    def to_file(self) -> CacheFile:
        """Return the content of the file: the id as its header, everything as JSON."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        return CacheFile(int(self.since), int(self.until), self.id.encode(), json.dumps(fields).encode())

    @classmethod
    def from_file(cls, file: CacheFile) -> "StoredSession | None":
        """Return the session in *file*; None if another version stored other fields. Raises ValueError."""
        fields = json.loads(file.body)
        try:
            return cls(**fields)
        except TypeError:
            return None

    def is_expired(self, now: float) -> bool:
        """Return whether no credentials can be issued from it any more."""
        return now >= self.until - _MIN_SESSION_LEFT

    def is_ready(self, now: float) -> bool:
        """Return whether its access token can be sent as it is."""
        return self.since <= now < self.access_until - _MIN_TOKEN_LEFT and not self.is_expired(now)

    @classmethod
    def from_tokens(cls, tokens: "Tokens", now: float, since: float) -> "StoredSession":
        """Return the session for *tokens* that were issued at *now*."""
        return cls(
            id=tokens.id,
            username=tokens.username,
            allows_admin=tokens.allows_admin,
            access=tokens.access,
            access_until=now + tokens.access_lifetime,
            refresh=tokens.refresh,
            since=since,
            until=now + tokens.session_lifetime,
        )


class DeclinedPrompt:
    """The time at which a prompt was declined, or its wait ended without an answer."""

    SUFFIX: "ClassVar[str]" = ".declined"

    __slots__ = ("declined_at",)

    def __init__(self, declined_at: float) -> None:
        self.declined_at = declined_at

    def is_recent(self, now: float) -> bool:
        """Return whether no further prompt may open automatically."""
        return int(self.declined_at) <= now < int(self.declined_at) + _PROMPT_COOLDOWN

    def to_file(self) -> CacheFile:
        """Return the content of the file: the time as its header."""
        # With fractions of a second, to distinguish commands that waited for this prompt from later ones.
        start = int(self.declined_at)
        return CacheFile(start, start + _PROMPT_COOLDOWN, repr(self.declined_at).encode())

    @classmethod
    def from_file(cls, file: CacheFile) -> "DeclinedPrompt":
        """Return the time in *file*; raise ValueError if it is none."""
        return cls(float(file.header))


class SessionSlot:
    """The stored session for one portal and scope (tenants or admin)."""

    def __init__(self, environment: "Mapping[str, str]", origin: str, *, admin: bool, now: Now) -> None:
        self._environment, self._key, self._now = environment, session_id.key(origin, admin=admin), now
        self._origin = origin

    def peek(self) -> StoredSession | None:
        """Return the session without waiting for the lock; None if there is none or it cannot be read."""
        try:
            with files.open_private_folder(session_id.folder(self._environment)) as directory:
                return files.read(directory, self._key, StoredSession)
        except (ValueError, OSError):
            # The error is reported when the lock is taken.
            return None

    @contextmanager
    def locked(self) -> "Iterator[LockedSession]":
        """Lock the session for this process. Raises `Misconfigured` if the folder is not usable."""
        try:
            path = session_id.folder(self._environment)
        except UnsafeCacheFile as why:
            raise Misconfigured(
                f"A sign-in cannot be stored here: {why}. A program without a home directory takes a token: "
                "DAYPASS_TOKEN or --token-file."
            ) from why
        try:
            locked = LockedFiles(path, self._key, _LOCK)
        except (UnsafeCacheFile, OSError) as why:
            reason = why.strerror if isinstance(why, OSError) and why.strerror else why
            raise Misconfigured(
                f"The folder {path} cannot keep a sign-in: {reason}. Make it yours alone (chmod 700), "
                "or name another: DAYPASS_STATE_DIR."
            ) from why
        with locked:
            yield LockedSession(locked, self._now, self._origin)


class LockedSession:
    """A stored session while this process holds its lock."""

    def __init__(self, locked: LockedFiles, now: Now, origin: str) -> None:
        self._files, self._now, self._origin = locked, now, origin

    def read(self) -> StoredSession | None:
        """Return the session, if there is a readable one."""
        return self._files.read(StoredSession)

    def write(self, session: StoredSession) -> None:
        """Store the session, and end any pending or declined prompt."""
        self._files.write(session)
        self._files.write(SignedInPortal(self._origin, int(session.since), int(session.until)))
        self.drop_pending()
        self._files.remove(DeclinedPrompt)

    def remove(self) -> None:
        """Remove the session; the portal stays in the list of portals."""
        self._files.remove(StoredSession)

    def forget_portal(self) -> None:
        """Remove the session and the portal's entry in the list of portals."""
        self.remove()
        self._files.remove(SignedInPortal)

    def pending(self, max_age: int | None) -> PendingLogin | None:
        """Return the request of a process that was killed, if the user can still answer it.

        With *max_age*, return it only if it asked for an authentication of at most that age in seconds.
        """
        pending = self._files.read(PendingLogin)
        if pending is None or not pending.can_be_answered(self._now()):
            return None
        # The portal would refuse the session of an older authentication, and the user would sign in twice.
        return pending if pending.pushed.asked_for(max_age) else None

    def write_pending(self, pushed: "PushedRequest", port: int, path: str) -> None:
        """Store the request, so that the next process can resume it if this one is killed."""
        self._files.write(PendingLogin(pushed, port, path, int(self._now())))

    def drop_pending(self) -> None:
        """Remove the pending request, so that no process resumes it."""
        self._files.remove(PendingLogin)

    def decline(self) -> None:
        """Start the cooldown after a declined or unanswered prompt."""
        self.drop_pending()
        self._files.write(DeclinedPrompt(self._now()))

    def declined_at(self) -> float | None:
        """Return when a prompt was last declined or unanswered; None after the cooldown."""
        declined = self._files.read(DeclinedPrompt)
        return None if declined is None or not declined.is_recent(self._now()) else declined.declined_at
