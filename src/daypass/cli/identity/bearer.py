"""A job's authentication: the portal token for its identity, cached for the whole job and exchanged once."""

from contextlib import suppress

from daypass.cli.cache import files
from daypass.cli.cache.files import UnsafeCacheFile
from daypass.cli.cache.locked import LockedFiles, LockSettings
from daypass.cli.cache.workload_token import WorkloadToken, digest
from daypass.cli.runtime.deadline import debug, print_message
from daypass.cli.runtime.digest import fingerprint
from daypass.cli.runtime.errors import Misconfigured, SignInNeeded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from daypass.cli.api.tls import Trust
    from daypass.cli.identity.selection import Identity

_LOCK = LockSettings(
    "token of this job",
    # The holder asks the CI system and the portal, each for 30 seconds at most.
    65.0,
    "waiting for another daypass that exchanges this job's token",
    "Another daypass waits for a token for this job and gets no answer. Try again.",
)


class WorkloadBearer:
    """The token of this job at one portal. Nothing is requested before the first token is needed."""

    __slots__ = ("_current", "_environment", "_flags", "_now", "_trust", "identity", "origin")
    is_from_another_command = False

    def __init__(
        self,
        origin: str,
        trust: "Trust | None",
        identity: "Identity",
        flags: "Mapping[str, str]",
        environment: "Mapping[str, str]",
        now: "Callable[[], float]",
    ) -> None:
        self.origin = origin
        self.identity = identity
        self._trust = trust
        self._flags = flags
        self._environment = environment
        self._now = now
        # Used in this process even if it could not be stored.
        self._current: WorkloadToken | None = None

    def token(self) -> str:
        """Return the portal token: cached, or new for an identity token of this job."""
        if self._current is None or not self._current.is_ready(self._now()):
            self._current = self._replace("")
        return self._current.access

    def renew(self, refused: str) -> str | None:
        """Return another token after the portal refused *refused*; raise `SignInNeeded` if there is none."""
        self._current = self._replace(refused)
        return self._current.access

    def step_up(self, refused: str) -> str | None:  # noqa: ARG002  a job cannot ask a person
        """Return None."""
        return None

    def reauthenticate(self, refused: str, max_age: int) -> str | None:  # noqa: ARG002  nor can one confirm
        """Return None."""
        return None

    def signed_in_until(self) -> float | None:
        """Return None: the portal knows when the token expires."""
        return None

    def _replace(self, refused: str) -> WorkloadToken:
        """Return a token other than *refused*, under the lock: jobs often start several processes at once."""
        try:
            path = files.folder(self._environment)
            locked = LockedFiles(path, self._key, _LOCK)
        except (UnsafeCacheFile, OSError) as why:
            reason = why.strerror if isinstance(why, OSError) and why.strerror else why
            print_message(
                f"The token of this job is not cached: {reason}. Name a folder in DAYPASS_CACHE_DIR."
            )
            return self._exchange(self._current)
        with locked:
            stored = locked.read(WorkloadToken)
            if stored is not None and stored.is_ready(self._now()) and stored.access != refused:
                debug(f"Using the cached token of this job ({self.identity.system}) from {path}")
                return stored
            new = self._exchange(stored or self._current)
            locked.write(new)
            self._remove_expired(path)
        return new

    def _remove_expired(self, path: str) -> None:
        from daypass.cli.cache.expiry import remove_expired

        # A file of an earlier job that cannot be removed must not stop this one.
        with suppress(UnsafeCacheFile, OSError), files.open_private_folder(path) as directory:
            remove_expired(directory, self._now())

    def _exchange(self, before: WorkloadToken | None) -> WorkloadToken:
        # Imported here because a cached token needs none of it.
        from daypass.cli.identity.exchange import portal_token
        from daypass.cli.identity.id_tokens import id_token

        identity = self.identity
        text = id_token(identity, self.origin, self._flags, self._environment)
        if before is not None and before.exchanged == digest(text):
            raise SignInNeeded(
                "This job's token was already used, and the portal token for it has ended: "
                f"{identity.system} gives a job one token, which the portal accepts once. Use a further job "
                "for what comes later, or ask an Administrator to raise the lifetime in the workload rule."
            )
        self._check_audience(text)
        access, lifetime = portal_token(self.origin, self._trust, identity, text)
        debug(f"Exchanged the token of this job ({identity.system}); the portal's lasts {lifetime} s")
        return WorkloadToken.issued(self.origin, access, text, self._now(), lifetime)

    def _check_audience(self, text: str) -> None:
        """Raise `Misconfigured` before a token that was made for another service is sent to the portal.

        A token that the user selected may have the audience of a workload rule instead.
        """
        if not self.identity.is_detected:
            return
        from daypass.cli.identity import claims
        from daypass.cli.identity.id_tokens import variable_with

        audiences = claims.audiences(claims.unverified(text))
        if self.origin in audiences:
            return
        variable = variable_with(text, self.identity, self._environment)
        where = f" in {variable}" if variable else ""
        raise Misconfigured(
            f"The token of {self.identity.system}{where} is for {claims.joined(audiences)}, not for "
            f"{self.origin}, so it was not sent. Set its audience to the portal's address, or select it with "
            f"--identity {self.identity.source}."
        )

    @property
    def _key(self) -> str:
        return fingerprint(f"{self.origin}\0{self.identity.key}".encode())
