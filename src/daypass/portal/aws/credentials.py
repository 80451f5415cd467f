"""The portal's own AWS credentials, from botocore's provider chain."""

import math
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from botocore.credentials import (
    CredentialProvider,
    CredentialResolver,
    Credentials,
    ReadOnlyCredentials,
    RefreshableCredentials,
)
from botocore.exceptions import BotoCoreError
from botocore.session import Session

from daypass.common.home import expand_user
from daypass.portal.aws.processes import CredentialProcesses
from daypass.portal.aws.transport.backoff import Timing
from daypass.portal.errors import AwsMisconfigured
from daypass.portal.telemetry.error_events import FailureLog

_LOOKUP_TIMEOUT = 3.0
"""The time that a request waits for a lookup, in seconds."""

_BEFORE_EXPIRY = 60
"""The time before their expiry at which credentials need a new lookup, in seconds."""

_BETWEEN_STATS = 1.0
_BETWEEN_LOOKUPS = 1.0
"""Seconds between failed lookups, so that many requests do not start a credential process each."""

_BETWEEN_RENEWALS = 5.0
"""Seconds between lookups after AWS rejected the keys."""

_Result = ReadOnlyCredentials | AwsMisconfigured
_Signature = Sequence[tuple[int, int, int] | None]


@dataclass(frozen=True, slots=True)
class _Lookup:
    began: float
    result: Future[_Result] = field(default_factory=Future)


class PortalCredentials:
    """Credentials from the environment, a profile, a container or the instance; thread-safe.

    A lookup runs at first use, before they expire, when AWS's configuration files change, and after AWS
    rejected the keys. It runs on its own daemon thread, one at a time (single-flight): a hanging source
    delays requests by three seconds at most, and never the exit of the process.
    """

    def __init__(self, session: Session | None = None, timing: Timing | None = None) -> None:
        self._timing = timing or Timing()
        self._processes = CredentialProcesses()
        self._fixed_session = session
        self._current: Credentials | None = None
        self._latest: ReadOnlyCredentials | None = None
        self._lookup: _Lookup | None = None
        self._failures = FailureLog("lookup of AWS credentials")
        self._lock = threading.Lock()
        self._files: Sequence[Path] = ()
        self._signature: _Signature = ()
        self._next_stat = -math.inf
        self._next_renewal = -math.inf

    def frozen(self) -> ReadOnlyCredentials:
        """Return the current keys; raises `AwsMisconfigured`."""
        current = self._current
        if current is None or not _lasts(current, _BEFORE_EXPIRY):
            return self._await(self._begin(current))
        if isinstance(current, RefreshableCredentials) and current.refresh_needed():
            # In the background, because the current keys are still valid.
            self._begin(current)
            # botocore's method would refresh the credentials in this thread if they expire soon.
            return self._latest or current.get_frozen_credentials()
        # The timing attributes are read without the lock, since this runs for each signature. Two threads
        # that notice the same change join one lookup.
        if self._have_files_changed():
            return self._await(self._begin(None))
        return current.get_frozen_credentials()

    def renewed(self, refused: ReadOnlyCredentials) -> ReadOnlyCredentials | None:
        """Look up again after AWS rejected these keys; return the new ones, or None if there are none."""
        # Otherwise another thread has replaced the keys since this request was signed.
        if self._latest == refused:
            with self._lock:
                now = self._timing.monotonic()
                if now < self._next_renewal:
                    return None
                self._next_renewal = now + _BETWEEN_RENEWALS
            result = self._await(self._begin(None))
            return None if result == refused else result
        return self._latest

    def share_with(self, session: Session) -> None:
        """Make *session*'s clients sign with these credentials."""
        session.register_component("credential_provider", CredentialResolver([_Provider(self.frozen)]))

    def close(self) -> None:
        """Kill running credential processes."""
        self._processes.close()

    def _begin(self, refreshable: Credentials | None) -> _Lookup:
        """Join the running lookup or start one, which refreshes *refreshable* or, for None, starts over."""
        now = self._timing.monotonic()
        with self._lock:
            lookup = self._lookup
            if lookup is not None and (not lookup.result.done() or _is_recent_failure(lookup, now)):
                return lookup
            self._lookup = lookup = _Lookup(now)
        threading.Thread(
            target=self._look_up, args=(lookup, refreshable), name="aws-credentials", daemon=True
        ).start()
        return lookup

    def _await(self, lookup: _Lookup) -> ReadOnlyCredentials:
        try:
            # Counted from the beginning of the lookup, so that a source that hangs delays only the requests
            # of its first three seconds.
            result = lookup.result.result(max(0.0, lookup.began + _LOOKUP_TIMEOUT - self._timing.monotonic()))
        except TimeoutError:
            result = AwsMisconfigured(
                "The source of the portal's AWS credentials does not answer. Check the credential_process of "
                "its profile, or its metadata endpoint."
            )
        if isinstance(result, ReadOnlyCredentials):
            return result
        # A failed lookup does not matter while the present keys are valid.
        if self._latest is not None and self._has_valid_keys():
            return self._latest
        # A new object: the traceback of an exception grows each time it is raised.
        raise AwsMisconfigured(result.reason) from result

    def _has_valid_keys(self) -> bool:
        return self._current is not None and _lasts(self._current, 0)

    def _look_up(self, lookup: _Lookup, refreshable: Credentials | None) -> None:
        result: _Result
        try:
            result = self._load(refreshable)
        except AwsMisconfigured as refusal:
            result = refusal
        except Exception as error:
            # The type's name only: the message may contain the output of a credential process.
            result = AwsMisconfigured(
                f"The source of the portal's AWS credentials failed ({type(error).__name__})."
            )
        if isinstance(result, ReadOnlyCredentials):
            self._failures.succeeded()
        elif self._has_valid_keys():
            # No request fails yet, so this is the only line about it; afterwards each request has its own.
            self._failures.failed(result)
        lookup.result.set_result(result)

    def _load(self, refreshable: Credentials | None) -> ReadOnlyCredentials:
        if refreshable is None:
            session = self._fixed_session or Session()
            # Taken before the files are read, so that a change during the lookup is noticed afterwards.
            self._files = _files_of(session)
            self._signature = _signature(self._files)
            self._next_stat = self._timing.monotonic() + _BETWEEN_STATS
            refreshable = self._find(session)
        frozen = refreshable.get_frozen_credentials()
        # In this order, because `frozen` checks `_current` without the lock and then expects `_latest`.
        self._latest, self._current = frozen, refreshable
        return frozen

    def _find(self, session: Session) -> Credentials:
        try:
            if self._fixed_session is None:
                self._processes.take_over(session)
            result = session.get_credentials()
        except BotoCoreError as error:
            raise no_credentials() from error
        if result is None:
            raise no_credentials()
        return result

    def _have_files_changed(self) -> bool:
        now = self._timing.monotonic()
        if now < self._next_stat:
            return False
        self._next_stat = now + _BETWEEN_STATS
        signature = _signature(self._files)
        has_changed, self._signature = signature != self._signature, signature
        return has_changed


class _Shared(Credentials):
    """Credentials of a botocore client that are read again for each signature."""

    def __init__(self, frozen: Callable[[], ReadOnlyCredentials]) -> None:
        super().__init__("", "", method=_Provider.METHOD)
        self._frozen = frozen

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """Return the current keys."""
        return self._frozen()


class _Provider(CredentialProvider):
    METHOD = "daypass"

    def __init__(self, frozen: Callable[[], ReadOnlyCredentials]) -> None:
        super().__init__()
        self._frozen = frozen

    def load(self) -> Credentials:
        """Return the shared credentials."""
        return _Shared(self._frozen)


def _lasts(credentials: Credentials, seconds: int) -> bool:
    """Return whether the credentials stay valid for that many seconds."""
    return not isinstance(credentials, RefreshableCredentials) or not credentials.refresh_needed(seconds)


def _is_recent_failure(lookup: _Lookup, now: float) -> bool:
    return isinstance(lookup.result.result(), AwsMisconfigured) and now < lookup.began + _BETWEEN_LOOKUPS


def _files_of(session: Session) -> Sequence[Path]:
    variables = (session.get_config_variable(name) for name in ("credentials_file", "config_file"))
    # Without a home directory botocore does not find the file either.
    expanded = (expand_user(path, os.environ) for path in variables if path)
    return [Path(path) for path in expanded if path is not None]


def _signature(files: Sequence[Path]) -> _Signature:
    return [_stat(path) for path in files]


def _stat(path: Path) -> tuple[int, int, int] | None:
    try:
        result = path.stat()
    except OSError:
        return None
    # The inode detects a file that was replaced by one of the same size within the resolution of its time.
    return result.st_mtime_ns, result.st_size, result.st_ino


def no_credentials() -> AwsMisconfigured:
    """Return the error for a portal without AWS credentials."""
    return AwsMisconfigured(
        "The portal has no AWS credentials. Give it a role, a profile, or AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY."
    )
