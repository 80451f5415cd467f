"""Watching the certificate's files for a renewal, and the end of its validity."""

import os
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from structlog.typing import FilteringBoundLogger

EXPIRES_SOON = timedelta(days=14)
_REPEATED_AFTER = timedelta(days=1)

_Fingerprint = tuple[tuple[int, ...] | None, ...]


@dataclass(slots=True)
class FileWatch:
    """Tells when files were replaced, by what a symbolic link leads to, as certbot and Kubernetes use it."""

    paths: tuple[Path, ...]
    _seen: _Fingerprint = field(init=False)
    _candidate: _Fingerprint | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Take the present files as known."""
        self._seen = self._fingerprint()

    def has_changed(self) -> bool:
        """Return whether the files differ from the known ones and are as they were at the last call.

        The changed files are then the known ones. A pair whose second file is still being written is thus
        seen when it is complete, if both are written between two calls.
        """
        now = self._fingerprint()
        if now == self._seen:
            self._candidate = None
            return False
        if now != self._candidate:
            self._candidate = now
            return False
        self._seen, self._candidate = now, None
        return True

    def _fingerprint(self) -> _Fingerprint:
        return tuple(_identity(path) for path in self.paths)


def _identity(path: Path) -> tuple[int, ...] | None:
    try:
        status = os.stat(path)  # noqa: PTH116  follows symbolic links, as open does
    except OSError:
        return None
    # A hook that runs after the renewal may make a file readable without changing its content.
    permissions = status.st_mode, status.st_uid, status.st_gid
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size, *permissions


@dataclass(slots=True)
class ExpiryWarning:
    """Logs once a day that a certificate expires soon or has expired."""

    log: FilteringBoundLogger
    _logged_at: datetime | None = None

    def check(self, certificate: Path, not_after: datetime, now: datetime) -> None:
        """Log the warning, unless it was logged less than a day ago or the end is far away."""
        if not_after - now > EXPIRES_SOON:
            return
        if self._logged_at is not None and now - self._logged_at < _REPEATED_AFTER:
            return
        self._logged_at = now
        remedy = "Renew the certificate. The portal reads the new files without a restart."
        fields = {"certificate": str(certificate), "not_after": not_after.isoformat(), "remedy": remedy}
        if not_after <= now:
            self.log.error("The certificate has expired; clients refuse it.", **fields)
        else:
            self.log.warning("The certificate expires soon.", **fields)

    def reset(self) -> None:
        """Forget the last warning, for another certificate."""
        self._logged_at = None
