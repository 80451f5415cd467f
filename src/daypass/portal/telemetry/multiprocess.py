"""The directory in which the processes of a portal keep their metrics: prometheus-client's multiprocess mode.

One process uses the same mode, so that there is one way in which metrics work.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import structlog

from daypass.portal.telemetry.metrics import METRICS
from daypass.portal.telemetry.metrics_model import RecordedMetric

_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_PREFIX = "daypass-metrics-"
_OWNER, _LOCK = "owner", "lock"
_SUMMED = ("counter", "histogram")
_ENDED = "ended"

_log = structlog.get_logger("portal.metrics")


class MetricsDirectory:
    """A private directory with the metrics of all processes of one portal, which its parent process owns.

    Each process maps files of its own, named after its pid, so it records without waiting for another one. A
    scrape adds them up.
    """

    def __init__(self, path: Path, owner: int | None = None) -> None:
        self.path = path
        self._owner = owner
        self._pid = os.getpid()
        self._unmerged: set[int] = set()

    @classmethod
    def create(cls) -> "MetricsDirectory":
        """Create the directory in the runtime directory of systemd or in TMPDIR, and begin to record.

        Called by the parent, before it forks. Directories of parents that were killed are removed. Raises
        `OSError` if no directory can be written to.
        """
        parent = Path(os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0] or tempfile.gettempdir())
        _remove_stale(parent)
        made = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}", dir=parent))
        # The lock ends with the last process that has inherited it, however that ends. It is held before the
        # directory gets the name by which `_remove_stale` finds it.
        owner = os.open(made / _OWNER, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(owner, fcntl.LOCK_EX)
        path = made.rename(parent / made.name.removeprefix("."))
        begin(path)
        return cls(path, owner)

    def worker_ended(self, pid: int) -> None:
        """Stop counting the gauges of an ended worker, and keep its counters and histograms.

        Without its numbers, the sums would decrease, which Prometheus takes for a restart of the whole
        portal. They are added to one file for all ended workers, so the number of files stays bounded. If a
        scrape is in progress for long, that is left to the next call, and the files of the worker are kept.
        """
        self._unmerged.add(pid)
        with suppress(BlockingIOError), _locked(self.path, fcntl.LOCK_EX | fcntl.LOCK_NB):
            for ended in sorted(self._unmerged):
                # Another worker may have the same pid by now; its files go on.
                if not _is_running(ended):
                    _merge(self.path, ended)
            self._unmerged.clear()

    def remove(self) -> None:
        """Remove the directory; does nothing in a forked process."""
        if self._owner is not None and os.getpid() == self._pid:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._owner)
            self._owner = None


class WorkerMetrics:
    """The metrics of all workers, as their parent process keeps them; it does nothing before `begin`."""

    def __init__(self, directory: MetricsDirectory | None = None) -> None:
        self._directory = directory

    def begin(self) -> None:
        """Have the processes that are forked from now on record metrics; raises `OSError`."""
        if self._directory is None:
            self._directory = MetricsDirectory.create()

    def worker_ended(self, pid: int) -> None:
        """Keep the counts of an ended worker; see `MetricsDirectory`. An error is logged."""
        if self._directory is None:
            return
        try:
            self._directory.worker_ended(pid)
        except Exception as error:  # a full disk or a removed file must not end the supervisor
            _log.error("The metrics of an ended worker could not be kept.", worker=pid, exc_info=error)

    def remove(self) -> None:
        """Remove the files; called at the end of the parent."""
        if self._directory is not None:
            self._directory.remove()


def begin(path: Path) -> None:
    """Record the metrics of this process, and of those that it forks, in files in *path*."""
    from prometheus_client import values

    os.environ[_VARIABLE] = str(path)
    # prometheus-client chooses its mode when it is imported, perhaps before the variable was set.
    values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]  # the library's
    for metric in METRICS:
        if isinstance(metric, RecordedMetric):
            metric.begin()


def is_recording() -> bool:
    """Whether this process records metrics, or inherited them from the one that forked it."""
    return any(isinstance(metric, RecordedMetric) and metric.has_begun for metric in METRICS)


@contextmanager
def recorded_files() -> Iterator[Sequence[str]]:
    """Yield the files of all processes, none of which is merged or removed meanwhile."""
    path = Path(os.environ[_VARIABLE])
    with _locked(path, fcntl.LOCK_SH):
        # A file without content was created just now.
        yield [str(file) for file in sorted(path.glob("*.db")) if file.stat().st_size]


@contextmanager
def _locked(path: Path, operation: int) -> Iterator[None]:
    descriptor = os.open(path / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, operation)
        yield
    finally:
        os.close(descriptor)


def _merge(path: Path, pid: int) -> None:
    """Add the counters and histograms of an ended process to the file of all ended ones."""
    from prometheus_client import mmap_dict, multiprocess

    # Its methods have no types.
    files: Any = mmap_dict.MmapedDict
    for kind in _SUMMED:
        file = path / f"{kind}_{pid}.db"
        if not file.exists():
            continue
        if file.stat().st_size:
            total = files(str(path / f"{kind}_{_ENDED}.db"))
            for key, value, _timestamp, _position in files.read_all_values_from_file(str(file)):
                total.write_value(key, total.read_value(key)[0] + value, 0.0)
            total.close()
        file.unlink()
    multiprocess.mark_process_dead(pid, str(path))  # type: ignore[no-untyped-call]  # the library's


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # Another user's process has that pid.
        pass
    return True


def _remove_stale(parent: Path) -> None:
    """Remove the directories of this user whose processes have all ended."""
    for path in parent.glob(f"{_PREFIX}*"):
        # A directory that cannot be examined is left alone: it belongs to another user, or is being removed.
        with suppress(OSError):
            if path.is_symlink() or path.stat().st_uid != os.getuid():
                continue
            owner = os.open(path / _OWNER, os.O_RDWR)
            try:
                fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(owner)
