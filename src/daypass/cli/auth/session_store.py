"""The sign-in on this machine's disk: private, written whole or not at all, one process at a time."""

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

_TOO_SHORT = 16 * 60
"""Seconds left of a sign-in at which it is over: AWS gives nothing for less than 15 minutes."""

_ENOUGH = 60
"""Seconds that a token must still have, to be sent at all."""

_PROMPT_COOLDOWN = 60
"""Seconds for which a prompt that nobody agreed to does not come again by itself."""

_SIGN_IN = FileKind(
    session_id.SIGN_IN,
    "sign-in",
    # A little longer than a person gets to answer.
    200.0,
    "another daypass signs in already; waiting for it",
    "Another daypass waits for a sign-in that nobody answers. Run `daypass login`.",
)


class LoginDeclined(SignInNeeded):
    """Nobody agreed to a sign-in; it may be tried again."""


class StoredSession:
    """A sign-in as it is kept."""

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

    def is_over(self, now: float) -> bool:
        """Whether no keys can be had from it any more."""
        return now >= self.until - _TOO_SHORT

    def is_ready(self, now: float) -> bool:
        """Whether its token can be used as it is."""
        return self.since <= now < self.access_until - _ENOUGH and not self.is_over(now)

    @classmethod
    def from_tokens(cls, tokens: "Tokens", now: float, since: float) -> "StoredSession":
        """What is to be kept of *tokens* that came just now."""
        return cls(
            id=tokens.id,
            username=tokens.username,
            allows_admin=tokens.allows_admin,
            access=tokens.access,
            access_until=now + tokens.access_life,
            refresh=tokens.refresh,
            since=since,
            until=now + tokens.life,
        )


class SessionSlot:
    """Where the sign-in for one portal and scope is kept; locked while in use."""

    def __init__(self, environment: "Mapping[str, str]", origin: str, *, admin: bool, now: Now) -> None:
        self._environment, self._key, self._now = environment, session_id.key(origin, admin=admin), now
        self._origin = origin

    def peek(self) -> StoredSession | None:
        """The sign-in, without waiting for whoever changes it."""
        try:
            with entries.opened(session_id.folder(self._environment)) as directory:
                return _kept(entries.read(directory, self._key, session_id.SIGN_IN))
        except (ValueError, OSError):
            # Whoever takes the lock meets it again, and says what is wrong.
            return None

    @contextmanager
    def locked(self) -> "Iterator[LockedSession]":
        """The same, for this process alone."""
        try:
            path = session_id.folder(self._environment)
        except UnsafeCacheFile as why:
            raise Misconfigured(
                f"A sign-in cannot be stored here: {why}. A program without a home directory takes a token: "
                "DAYPASS_TOKEN or --token-file."
            ) from why
        try:
            place = CacheSlot(path, self._key, _SIGN_IN)
        except (UnsafeCacheFile, OSError) as why:
            reason = why.strerror if isinstance(why, OSError) and why.strerror else why
            raise Misconfigured(
                f"The folder {path} cannot keep a sign-in: {reason}. Make it yours alone (chmod 700), "
                "or name another: DAYPASS_STATE_DIR."
            ) from why
        with place:
            yield LockedSession(place, self._now, self._origin)


class LockedSession:
    """A slot that no other process changes meanwhile."""

    def __init__(self, place: CacheSlot, now: Now, origin: str) -> None:
        self._place, self._now, self._origin = place, now, origin

    def read(self) -> StoredSession | None:
        """The sign-in, if there is one that may be used."""
        return _kept(self._place.read())

    def write(self, kept: StoredSession) -> None:
        """Keep it."""
        answer = json.dumps({name: getattr(kept, name) for name in StoredSession.__slots__}).encode()
        self._place.write(Entry(answer, kept.id.encode(), int(kept.since), int(kept.until)))
        self._place.write(
            Entry(b"", self._origin.encode(), int(kept.since), int(kept.until)), session_id.PORTAL
        )
        self._place.remove(_PENDING)
        self._place.remove(_DECLINED)

    def forget(self) -> None:
        """Remove the sign-in; the portal stays known."""
        self._place.remove()

    def forget_portal(self) -> None:
        """Remove the sign-in, and that this machine ever signed in to this portal."""
        self.forget()
        self._place.remove(session_id.PORTAL)

    def pending(self) -> "Pending | None":
        """What a process that was killed asked a person for, if they can still answer it."""
        from daypass.cli.auth.pending_login import Pending

        entry = self._place.read(_PENDING)
        return Pending.from_bytes(entry.answer) if entry is not None and entry.is_good(self._now()) else None

    def write_pending(self, pending: "Pending") -> None:
        """Let whoever comes after us go on, should we be killed."""
        now = int(self._now())
        self._place.write(Entry(pending.to_bytes(), b"", now, now + pending.pushed.life), _PENDING)

    def drop_pending(self) -> None:
        """Let nobody go on with what a person was asked for."""
        self._place.remove(_PENDING)

    def decline(self) -> None:
        """Note that nobody said yes just now."""
        self._place.remove(_PENDING)
        now = self._now()
        # To the fraction of a second: whoever waited meanwhile is told from who comes just after.
        self._place.write(Entry(b"", repr(now).encode(), int(now), int(now) + _PROMPT_COOLDOWN), _DECLINED)

    def declined_at(self) -> float | None:
        """When somebody said no, or nobody said anything, if that was a moment ago."""
        entry = self._place.read(_DECLINED)
        return float(entry.about) if entry is not None and entry.is_good(self._now()) else None


def _kept(entry: Entry | None) -> StoredSession | None:
    if entry is None:
        return None
    try:
        return StoredSession(**json.loads(entry.answer))
    except TypeError:
        # Another version keeps other things: as good as none.
        return None
