"""Metrics of several processes, and what remains of those that have ended."""

import fcntl
import json
import os
from collections.abc import Mapping
from datetime import datetime
from io import StringIO
from pathlib import Path

import pytest

from daypass.portal.telemetry import multiprocess
from daypass.portal.telemetry.metrics import CERTIFICATE_EXPIRY, COMMIT_BATCH, LOG_LINES_DROPPED, PROCESSES
from daypass.portal.telemetry.metrics_exposition import exposition
from daypass.portal.telemetry.multiprocess import MetricsDirectory, WorkerMetrics
from tests.fakes import NOON
from tests.portal.forked import PROCESSES as FORKED
from tests.portal.telemetry.recorded import Series, samples_of

COUNTER: Series = "daypass_log_lines_dropped_total", frozenset()
GAUGE: Series = "daypass_processes", frozenset()
CERTIFICATE: Series = "daypass_certificate_expiry_timestamp_seconds", frozenset()


def worker(path: Path, lines: int, certificate_end: datetime | None) -> None:
    """Record like a worker, and end without any clean-up."""
    multiprocess.begin(path)
    LOG_LINES_DROPPED.count(by=lines)
    COMMIT_BATCH.observe(3)
    PROCESSES.set(1)
    if certificate_end is not None:
        CERTIFICATE_EXPIRY.set(certificate_end.timestamp())
    os._exit(0)


def run_worker(path: Path, lines: int, certificate_end: datetime | None = None) -> int:
    """Run a worker to its end, and return its pid."""
    process = FORKED.Process(target=worker, args=(path, lines, certificate_end))
    process.start()
    process.join()
    assert process.pid is not None
    return process.pid


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MetricsDirectory:
    """A directory that this process reads, and records nothing in."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    return MetricsDirectory(tmp_path)


def scrape() -> Mapping[Series, float]:
    return samples_of(exposition("", {})[0].decode())


def test_a_scrape_adds_up_all_processes(directory: MetricsDirectory) -> None:
    for lines in (3, 4):
        run_worker(directory.path, lines)

    samples = scrape()
    assert samples[COUNTER] == 7
    assert samples["daypass_commit_batch_size_count", frozenset()] == 2
    assert samples[GAUGE] == 2


def test_the_end_of_the_certificate_is_a_unix_time_and_left_out_without_one(
    directory: MetricsDirectory,
) -> None:
    run_worker(directory.path, 1)
    assert CERTIFICATE not in scrape()

    run_worker(directory.path, 1, NOON)

    assert scrape()[CERTIFICATE] == 1795521600


def test_an_ended_worker_leaves_its_counts_and_no_gauge(directory: MetricsDirectory) -> None:
    ended, other = run_worker(directory.path, 3), run_worker(directory.path, 4)

    directory.worker_ended(ended)

    samples = scrape()
    assert samples[COUNTER] == 7
    assert samples["daypass_commit_batch_size_sum", frozenset()] == 6
    assert samples["daypass_commit_batch_size_bucket", frozenset({("le", "4.0")})] == 2
    assert samples[GAUGE] == 1
    assert not list(directory.path.glob(f"*_{ended}.db"))
    assert list(directory.path.glob(f"*_{other}.db"))


def test_many_replaced_workers_leave_no_more_files_than_one(directory: MetricsDirectory) -> None:
    for number in range(1, 5):
        directory.worker_ended(run_worker(directory.path, 1))

        assert scrape()[COUNTER] == number
        assert {file.name for file in directory.path.glob("*.db")} == {
            "counter_ended.db",
            "histogram_ended.db",
        }


def test_counts_of_an_ended_worker_wait_for_a_scrape_in_progress(directory: MetricsDirectory) -> None:
    first, second = run_worker(directory.path, 3), run_worker(directory.path, 4)
    lock = os.open(directory.path / "lock", os.O_CREAT | os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_SH)

    directory.worker_ended(first)

    assert scrape()[COUNTER] == 7
    assert list(directory.path.glob(f"counter_{first}.db"))
    os.close(lock)
    directory.worker_ended(second)
    assert scrape()[COUNTER] == 7
    assert not list(directory.path.glob(f"counter_{first}.db"))


def test_the_files_of_a_running_process_with_the_same_pid_stay(directory: MetricsDirectory) -> None:
    mine = directory.path / f"counter_{os.getpid()}.db"
    mine.touch()

    directory.worker_ended(os.getpid())

    assert mine.exists()


def test_a_file_that_a_process_has_just_created_fails_no_scrape(directory: MetricsDirectory) -> None:
    run_worker(directory.path, 3)
    (directory.path / "counter_1.db").touch()

    assert scrape()[COUNTER] == 3


@pytest.mark.parametrize("variable", ["RUNTIME_DIRECTORY", "TMPDIR"])
@pytest.mark.usefixtures("recorded")
def test_the_directory_is_private_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", os.environ["PROMETHEUS_MULTIPROC_DIR"])
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv(variable, str(tmp_path))

    directory = MetricsDirectory.create()

    assert directory.path.parent == tmp_path
    assert directory.path.stat().st_mode & 0o777 == 0o700
    directory.remove()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("recorded")
def test_a_directory_whose_processes_were_killed_is_removed_and_others_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", os.environ["PROMETHEUS_MULTIPROC_DIR"])
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    stale, foreign = tmp_path / "daypass-metrics-stale", tmp_path / "daypass-metrics-unknown"
    for path in (stale, foreign):
        path.mkdir()
    (stale / "owner").touch()
    (stale / "counter_1.db").touch()

    in_use = MetricsDirectory.create()
    second = MetricsDirectory.create()

    assert set(tmp_path.iterdir()) == {in_use.path, second.path, foreign}
    in_use.remove()
    second.remove()


def test_a_worker_ends_although_the_directory_was_removed(tmp_path: Path, log: StringIO) -> None:
    # An error would end the supervisor, and so the portal.
    began = len(log.getvalue())

    WorkerMetrics(MetricsDirectory(tmp_path / "gone")).worker_ended(1)

    logged = json.loads(log.getvalue()[began:])
    assert (logged["event"], logged["level"]) == (
        "The metrics of an ended worker could not be kept.",
        "error",
    )
    assert (logged["worker"], "FileNotFoundError" in logged["exception"]) == (1, True)
