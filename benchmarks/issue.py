"""The number of AWS sessions that the whole portal issues in a second, beside baselines of the same machine.

    python -m benchmarks.issue [--seconds 4]

The portal runs as `daypass portal serve` runs it: TLS off, SQLite with synchronous=FULL, each audit event
durable before the response. AWS is a stub that responds immediately. Portal, stub and load share the cores
of the machine. The baselines are a bare commit on the same disk, a bare handler of the same server, and a
sketch of the path that does the minimum of an issuance. Each load of the sketch runs just before the same
load of the portal.
"""

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks import stages
from benchmarks.portal import TENANT, Served, seed, serve, sketch, stub_aws
from benchmarks.sketch import TOKEN
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Database

CALLERS = (1, 8, 32)

MIN_PER_SECOND = 800
"""Goal: the minimum of issuances per second with 32 callers, on two cores."""

MAX_P50 = 2.5
"""Goal: the maximum of the median with one caller, in milliseconds."""

SKETCH_PER_SECOND, SKETCH_P50 = 1025, 1.7
"""The results of such a sketch on the machine for which the goals were set.

On another machine, the goals are compared in proportion to the sketch's results there.
"""


@dataclass(frozen=True, slots=True)
class Run:
    """The result of one load."""

    name: str
    callers: int
    per_second: float
    p50: float
    p99: float
    cpu: float
    """CPU time of the portal for one response, in milliseconds."""


def main() -> int:
    """Measure, and print the tables; return 1 if a goal is not met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="the duration of each load")
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name, stub_aws() as aws_url:
        folder = Path(name)
        database_url = f"sqlite:///{folder / 'portal.db'}"
        with closing(Database(database_url)) as database:
            token = seed(database)
        commits = _commits(folder / "commits.db", min(seconds, 2.0))
        with sketch(folder, aws_url) as sketched, serve(folder, aws_url) as portal:
            bare = [_load("a bare handler", portal, callers, min(seconds, 2.0)) for callers in CALLERS]
            sketch_runs, portal_runs = [], []
            for callers in CALLERS:
                sketch_runs.append(_load("the sketch", sketched, callers, seconds, Secret(TOKEN)))
                portal_runs.append(_load("an issuance", portal, callers, seconds, token))
        stage_costs = stages.measure(database_url, aws_url, token)
    _print_runs([*bare, *sketch_runs, *portal_runs], commits)
    _print_stages(stage_costs)
    return _print_goals(sketch_runs, portal_runs)


def _commits(path: Path, seconds: float) -> list[float]:
    """Return the time of each commit of one row, in seconds, ascending."""
    took = []
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE rows (text)")
        until = time.perf_counter() + seconds
        while (began := time.perf_counter()) < until:
            connection.execute("INSERT INTO rows VALUES (?)", ("x" * 500,))
            took.append(time.perf_counter() - began)
    return sorted(took)


def _load(name: str, portal: Served, callers: int, seconds: float, token: Secret | None = None) -> Run:
    flags = ["--path", "/healthz"]
    if token is not None:
        body = json.dumps({"tenant": TENANT})
        flags = ["--path", "/api/v1/sessions", "--token", token.reveal(), "--body", body]
    options = ["--port", str(portal.port), "--callers", str(callers), "--seconds", str(seconds), *flags]
    before = portal.cpu_seconds()
    load = [sys.executable, "-m", "benchmarks.load", *options]
    result = json.loads(subprocess.run(load, check=True, stdout=subprocess.PIPE).stdout)
    if result["failures"]:
        sys.exit(f"{result['failures']} of {result['requests']} requests failed: {result['first_failure']}")
    cpu = 1000 * (portal.cpu_seconds() - before) / result["requests"]
    return Run(name, callers, result["per_second"], result["p50_ms"], result["p99_ms"], cpu)


def _print_runs(runs: list[Run], commits: list[float]) -> None:
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, load {os.getloadavg()[0]:.1f}")
    print()
    print(f"{'':18}{'callers':>8}{'per second':>11}{'p50':>11}{'p99':>11}{'portal CPU':>13}")
    half, most = commits[len(commits) // 2], commits[int(len(commits) * 0.99)]
    print(f"{'a bare commit':18}{1:8}{1 / (sum(commits) / len(commits)):11,.0f}", end="")
    print(f"{1000 * half:8.2f} ms{1000 * most:8.2f} ms{'-':>10}")
    for run in runs:
        print(f"{run.name:18}{run.callers:8}{run.per_second:11,.0f}", end="")
        print(f"{run.p50:8.2f} ms{run.p99:8.2f} ms{run.cpu:10.3f} ms")


def _print_stages(stage_costs: Sequence[stages.Stage]) -> None:
    print()
    print(f"{'sequentially, in one thread':44}{'CPU':>11}{'time':>11}")
    for stage in stage_costs:
        print(f"{stage.name:44}{stage.cpu:8.3f} ms{stage.wall:8.3f} ms")


def _print_goals(sketch_runs: list[Run], portal_runs: list[Run]) -> int:
    one, many = portal_runs[0], portal_runs[-1]
    share, ratio = many.per_second / sketch_runs[-1].per_second, one.p50 / sketch_runs[0].p50
    share_goal, ratio_goal = MIN_PER_SECOND / SKETCH_PER_SECOND, MAX_P50 / SKETCH_P50
    print()
    print(
        f"{_mark(many.per_second >= MIN_PER_SECOND)} {many.per_second:.0f} issuances per second with 32 "
        f"callers (goal: at least {MIN_PER_SECOND})"
    )
    print(f"{_mark(one.p50 <= MAX_P50)} {one.p50:.2f} ms for one caller (goal: at most {MAX_P50})")
    print()
    print(
        f"On the machine where these goals were set, the sketch reached {SKETCH_PER_SECOND} per second and "
        f"{SKETCH_P50} ms. In proportion to the sketch:"
    )
    print(
        f"{_mark(share >= share_goal)} {share:.2f} of the sketch's issuances "
        f"(goal: at least {share_goal:.2f})"
    )
    print(
        f"{_mark(ratio <= ratio_goal)} {ratio:.2f} times the sketch's time (goal: at most {ratio_goal:.2f})"
    )
    return 0 if many.per_second >= MIN_PER_SECOND and one.p50 <= MAX_P50 else 1


def _mark(is_met: bool) -> str:
    return "✓" if is_met else "✗"


if __name__ == "__main__":
    sys.exit(main())
