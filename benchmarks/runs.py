"""Loads of a serving process, and their results."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.portal import TENANT, Served
from daypass.portal.secret import Secret

CALLERS = (1, 8, 32)
"""The numbers of concurrent callers of the loads."""


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


def load(name: str, portal: Served, callers: int, seconds: float, token: Secret | None = None) -> Run:
    """Load *portal* for some *seconds*; with a *token*, each request issues a session."""
    flags = ["--path", "/healthz"]
    if token is not None:
        body = json.dumps({"tenant": TENANT})
        flags = ["--path", "/api/v1/sessions", "--token", token.reveal(), "--body", body]
    options = ["--port", str(portal.port), "--callers", str(callers), "--seconds", str(seconds), *flags]
    before = portal.cpu_seconds()
    command = [sys.executable, "-m", "benchmarks.load", *options]
    result = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    if result["failures"]:
        sys.exit(f"{result['failures']} of {result['requests']} requests failed: {result['first_failure']}")
    cpu = 1000 * (portal.cpu_seconds() - before) / result["requests"]
    return Run(name, callers, result["per_second"], result["p50_ms"], result["p99_ms"], cpu)


def with_callers(runs: Sequence[Run], callers: int) -> Run:
    """Return the run of *runs* with that number of callers."""
    return next(run for run in runs if run.callers == callers)
