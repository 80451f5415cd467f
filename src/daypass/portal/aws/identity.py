"""The portal's own identity in AWS: its account, and whether its credentials are a role session."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

import structlog

from daypass.portal.aws.transport.backoff import Timing
from daypass.portal.errors import AwsError, AwsUnavailable
from daypass.portal.telemetry.error_events import REMEDIES, find_cause, log_error

_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0

_log = structlog.get_logger("portal.aws")


@dataclass(frozen=True, slots=True)
class Principal:
    """The part of GetCallerIdentity's response that the portal needs."""

    account_id: str
    is_session: bool
    """Whether the credentials are those of a role session or of a federated user."""
    arn: str = ""
    """The ARN of the user, or of the role session; the latter does not have the role's path."""


class PortalIdentity:
    """The portal's AWS identity, requested from STS until it answers; thread-safe.

    Readers never wait: they get the identity, or the error of the latest attempt.
    """

    def __init__(self, ask: Callable[[], Principal], timing: Timing) -> None:
        self._request = ask
        self._timing = timing
        self._principal: Principal | None = None
        self._failure: AwsError = AwsUnavailable(
            "The portal has not reached AWS since it was started. Try again in a moment."
        )
        self._logged: tuple[str, str | None] | None = None
        self._on_known: list[Callable[[], None]] = []
        # Guards the list and the transition to a known identity, so that each callback runs once.
        self._lock = threading.Lock()
        self._tried = threading.Event()
        self._closing = threading.Event()

    @property
    def failure(self) -> AwsError | None:
        """The error of the latest attempt, or None once the identity is known."""
        return None if self._principal is not None else self._failure

    def get(self) -> Principal:
        """Return the identity, or raise the error of the latest attempt."""
        principal = self._principal
        if principal is None:
            # A new object: the traceback of an exception grows each time it is raised.
            raise type(self._failure)(self._failure.reason) from self._failure
        return principal

    def account_id(self) -> str:
        """Return the id of the account, or raise the error of the latest attempt."""
        return self.get().account_id

    def discover(self) -> None:
        """Request the identity once and run the callbacks; raises an `AwsError`."""
        try:
            principal = self._request()
        except AwsError as failure:
            self._failure = failure
            raise
        with self._lock:
            self._principal = principal
            waiting, self._on_known = self._on_known, []
        # Outside the lock: a callback may register another one, and `when_known` takes the lock.
        for callback in waiting:
            callback()

    def discover_in_background(self, patience: float) -> None:
        """Start a thread that retries until AWS answers; return after one attempt or *patience* seconds."""
        # A daemon, because an attempt that hangs must not delay the exit of the process.
        threading.Thread(target=self._retry_until_known, name="aws-identity", daemon=True).start()
        self._tried.wait(patience)

    def when_known(self, callback: Callable[[], None]) -> None:
        """Run *callback* once the identity is known: now, or on the thread that learns it."""
        with self._lock:
            if self._principal is None:
                self._on_known.append(callback)
                return
        callback()

    def close(self) -> None:
        """Stop the retries after the current attempt; does not wait for it."""
        self._closing.set()

    def _retry_until_known(self) -> None:
        for attempt in count():
            try:
                self.discover()
            except AwsError as failure:
                self._log_failure(failure)
            except Exception as error:
                # The identity is known by now; a callback failed.
                log_error("work that follows the AWS identity", error)
            else:
                if attempt:
                    _log.info("The portal's AWS identity is known.")
            self._tried.set()
            if self._principal is not None or self._closing.wait(self.pause_after(attempt)):
                return

    def _log_failure(self, failure: AwsError) -> None:
        # The attempts are repeated, so only a failure of another kind is logged again.
        if (failure.code, failure.cause) == self._logged:
            return
        self._logged = (failure.code, failure.cause)
        _log.error(
            "The portal's AWS identity is unknown, so no session can be issued.",
            code=failure.code,
            reason=failure.reason,
            cause=find_cause(failure),
            remedy=REMEDIES[failure.code],
        )

    def pause_after(self, attempt: int) -> float:
        """Return the seconds to the next attempt: exponential backoff with jitter."""
        # Bounded: 2 ** 1,024 is too large for a float, and an outage of nine hours has as many attempts.
        longest: float = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(attempt, 10))
        return longest * (0.5 + self._timing.random() / 2)
