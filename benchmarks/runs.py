"""Loads of a serving process, and their results."""

import json
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.portal import TENANT, Served
from daypass.portal.secret import Secret

CALLERS = (1, 8, 32)
"""The numbers of concurrent callers of the loads."""


@dataclass(frozen=True, slots=True)
class Request:
    """The request of a load; one with a body is a POST."""

    path: str
    body: Mapping[str, object] | None = None


HEALTH = Request("/healthz")
SESSION = Request("/api/v1/sessions", {"tenant": TENANT})


@dataclass(frozen=True, slots=True)
class Run:
    """The result of one load."""

    name: str
    callers: int
    per_second: float
    p50: float
    """In milliseconds, as are `p99` and `cpu`."""
    p99: float
    cpu: float
    """CPU time of the portal for one response."""


def load(
    name: str,
    portal: Served,
    callers: int,
    seconds: float,
    token: Secret | None = None,
    request: Request | None = None,
) -> Run:
    """Load *portal* for some *seconds*, by default with sessions, or with health if there is no *token*."""
    request = request or (HEALTH if token is None else SESSION)
    flags = ["--path", request.path]
    if token is not None:
        flags += ["--token", token.reveal()]
    if request.body is not None:
        flags += ["--body", json.dumps(request.body)]
    options = ["--port", str(portal.port), "--callers", str(callers), "--seconds", str(seconds), *flags]
    before = portal.cpu_seconds()
    command = [sys.executable, "-m", "benchmarks.load", *options]
    result = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    if result["failures"]:
        sys.exit(f"{result['failures']} of {result['requests']} requests failed: {result['first_failure']}")
    cpu = 1000 * (portal.cpu_seconds() - before) / result["requests"]
    return Run(name, callers, result["per_second"], result["p50_ms"], result["p99_ms"], cpu)


def median_run(runs: Sequence[Run]) -> Run:
    """Return the median of each figure of *runs*, which have one name and one number of callers."""
    figures = [
        statistics.median(getattr(run, figure) for run in runs)
        for figure in ("per_second", "p50", "p99", "cpu")
    ]
    return Run(runs[0].name, runs[0].callers, *figures)


def with_callers(runs: Sequence[Run], callers: int) -> Run:
    """Return the run of *runs* with that number of callers."""
    return next(run for run in runs if run.callers == callers)
