"""The session on disk: private, written atomically, changed by one process at a time."""

import json
from collections.abc import Callable
from contextlib import contextmanager

from daypass.cli.cache import entries, session_id
from daypass.cli.cache.entries import Entry, UnsafeCacheFile
from daypass.cli.cache.locked import CacheSlot, FileKind
from daypass.cli.runtime.errors import Misconfigured, SignInNeeded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from daypass.cli.auth.oauth_client import Tokens
    from daypass.cli.auth.pending_login import Pending

Now = Callable[[], float]

_PENDING = ".pending"
_DECLINED = ".declined"

_MIN_SESSION_LEFT = 16 * 60
"""Seconds before its end from which a session is unusable: AWS issues nothing for less than 15 minutes."""

_MIN_TOKEN_LEFT = 60
"""Minimum remaining lifetime, in seconds, of a token that is sent."""

_PROMPT_COOLDOWN = 60
"""Seconds after a declined prompt during which no further prompt opens automatically."""

_SIGN_IN = FileKind(
    session_id.SIGN_IN,
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
            until=now + tokens.life,
        )


class SessionSlot:
    """The stored session for one portal and scope (tenants or admin)."""

    def __init__(self, environment: "Mapping[str, str]", origin: str, *, admin: bool, now: Now) -> None:
        self._environment, self._key, self._now = environment, session_id.key(origin, admin=admin), now
        self._origin = origin

    def peek(self) -> StoredSession | None:
        """Return the session without waiting for the lock; None if there is none or it cannot be read."""
        try:
            with entries.open_private_folder(session_id.folder(self._environment)) as directory:
                return _parse(entries.read(directory, self._key, session_id.SIGN_IN))
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
            slot = CacheSlot(path, self._key, _SIGN_IN)
        except (UnsafeCacheFile, OSError) as why:
            reason = why.strerror if isinstance(why, OSError) and why.strerror else why
            raise Misconfigured(
                f"The folder {path} cannot keep a sign-in: {reason}. Make it yours alone (chmod 700), "
                "or name another: DAYPASS_STATE_DIR."
            ) from why
        with slot:
            yield LockedSession(slot, self._now, self._origin)


class LockedSession:
    """A stored session while this process holds its lock."""

    def __init__(self, slot: CacheSlot, now: Now, origin: str) -> None:
        self._slot, self._now, self._origin = slot, now, origin

    def read(self) -> StoredSession | None:
        """Return the session, if there is a readable one."""
        return _parse(self._slot.read())

    def write(self, session: StoredSession) -> None:
        """Store the session, and end any pending or declined prompt."""
        answer = json.dumps({name: getattr(session, name) for name in StoredSession.__slots__}).encode()
        self._slot.write(Entry(answer, session.id.encode(), int(session.since), int(session.until)))
        self._slot.write(
            Entry(b"", self._origin.encode(), int(session.since), int(session.until)), session_id.PORTAL
        )
        self._slot.remove(_PENDING)
        self._slot.remove(_DECLINED)

    def remove(self) -> None:
        """Remove the session; the portal stays in the list of portals."""
        self._slot.remove()

    def forget_portal(self) -> None:
        """Remove the session and the portal's entry in the list of portals."""
        self.remove()
        self._slot.remove(session_id.PORTAL)

    def pending(self) -> "Pending | None":
        """Return the request of a process that was killed, if the user can still answer it."""
        from daypass.cli.auth.pending_login import Pending

        entry = self._slot.read(_PENDING)
        return Pending.from_bytes(entry.answer) if entry is not None and entry.is_good(self._now()) else None

    def write_pending(self, pending: "Pending") -> None:
        """Store the request, so that the next process can resume it if this one is killed."""
        now = int(self._now())
        self._slot.write(Entry(pending.to_bytes(), b"", now, now + pending.pushed.life), _PENDING)

    def drop_pending(self) -> None:
        """Remove the pending request, so that no process resumes it."""
        self._slot.remove(_PENDING)

    def decline(self) -> None:
        """Start the cooldown after a declined or unanswered prompt."""
        self._slot.remove(_PENDING)
        now = self._now()
        # With fractions of a second, to distinguish commands that waited for this prompt from later ones.
        self._slot.write(Entry(b"", repr(now).encode(), int(now), int(now) + _PROMPT_COOLDOWN), _DECLINED)

    def declined_at(self) -> float | None:
        """Return when a prompt was last declined or unanswered; None after the cooldown."""
        entry = self._slot.read(_DECLINED)
        return float(entry.about) if entry is not None and entry.is_good(self._now()) else None


def _parse(entry: Entry | None) -> StoredSession | None:
    if entry is None:
        return None
    try:
        return StoredSession(**json.loads(entry.answer))
    except TypeError:
        # Another version stores other fields; its session is treated as missing.
        return None
