"""How many AWS sessions a second the whole portal hands out, beside what this machine can do at all.

    python -m benchmarks.issue [--seconds 4]

The portal runs as it is served: TLS off, SQLite with synchronous=FULL, each record durable before the answer.
AWS is a stub that answers at once. All of it shares this machine's cores: portal, stub and load. Beside it:
a bare commit on the same disk, the bare handler of the same server, and a sketch of the path that does the
least an issuance can do, each load of it just before the portal's.
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

MOST = 800
"""Goal: at least so many issuances a second with 32 callers, on two cores."""

QUICKEST = 2.5
"""Goal: at most so many milliseconds for half of the issuances of a single caller."""

SKETCHED_MOST, SKETCHED_QUICKEST = 1025, 1.7
"""What such a sketch reached on the machine for which the goals were set; they are meant in its measure."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one load saw."""

    name: str
    callers: int
    per_second: float
    p50: float
    p99: float
    cpu: float
    """Milliseconds of processor that the portal used for one answer."""


def main() -> int:
    """Measure and print the tables; 1 if a goal is not met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="how long each load lasts")
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name, stub_aws() as aws_url:
        folder = Path(name)
        database_url = f"sqlite:///{folder / 'portal.db'}"
        with closing(Database(database_url)) as database:
            token = seed(database)
        commits = _commits(folder / "commits.db", min(seconds, 2.0))
        with sketch(folder, aws_url) as sketched, serve(folder, aws_url) as portal:
            bare = [_load("a bare handler", portal, callers, min(seconds, 2.0)) for callers in CALLERS]
            least, issuing = [], []
            for callers in CALLERS:
                least.append(_load("the sketch", sketched, callers, seconds, Secret(TOKEN)))
                issuing.append(_load("an issuance", portal, callers, seconds, token))
        costs = stages.measure(database_url, aws_url, token)
    _print_runs([*bare, *least, *issuing], commits)
    _print_stages(costs)
    return _print_goals(least, issuing)


def _commits(path: Path, seconds: float) -> list[float]:
    """The seconds that each commit of one row took, sorted."""
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
    asked = ["--path", "/healthz"]
    if token is not None:
        body = json.dumps({"tenant": TENANT})
        asked = ["--path", "/api/v1/sessions", "--token", token.reveal(), "--body", body]
    options = ["--port", str(portal.port), "--callers", str(callers), "--seconds", str(seconds), *asked]
    before = portal.cpu_seconds()
    load = [sys.executable, "-m", "benchmarks.load", *options]
    seen = json.loads(subprocess.run(load, check=True, stdout=subprocess.PIPE).stdout)
    if seen["failures"]:
        sys.exit(f"{seen['failures']} of {seen['requests']} failed: {seen['first_failure']}")
    cpu = 1000 * (portal.cpu_seconds() - before) / seen["requests"]
    return Run(name, callers, seen["per_second"], seen["p50_ms"], seen["p99_ms"], cpu)


def _print_runs(runs: list[Run], commits: list[float]) -> None:
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, load {os.getloadavg()[0]:.1f}")
    print()
    print(f"{'':18}{'callers':>8}{'a second':>11}{'p50':>11}{'p99':>11}{'portal CPU':>13}")
    half, most = commits[len(commits) // 2], commits[int(len(commits) * 0.99)]
    print(f"{'a bare commit':18}{1:8}{1 / (sum(commits) / len(commits)):11,.0f}", end="")
    print(f"{1000 * half:8.2f} ms{1000 * most:8.2f} ms{'-':>10}")
    for run in runs:
        print(f"{run.name:18}{run.callers:8}{run.per_second:11,.0f}", end="")
        print(f"{run.p50:8.2f} ms{run.p99:8.2f} ms{run.cpu:10.3f} ms")


def _print_stages(costs: Sequence[stages.Stage]) -> None:
    print()
    print(f"{'one after another, in one thread':44}{'CPU':>11}{'time':>11}")
    for stage in costs:
        print(f"{stage.name:44}{stage.cpu:8.3f} ms{stage.wall:8.3f} ms")


def _print_goals(least: list[Run], issuing: list[Run]) -> int:
    one, many = issuing[0], issuing[-1]
    share, longer = many.per_second / least[-1].per_second, one.p50 / least[0].p50
    share_wanted, longer_wanted = MOST / SKETCHED_MOST, QUICKEST / SKETCHED_QUICKEST
    print()
    print(
        f"{_mark(many.per_second >= MOST)} {many.per_second:.0f} issuances a second with 32 callers (goal: "
        f"at least {MOST})"
    )
    print(f"{_mark(one.p50 <= QUICKEST)} {one.p50:.2f} ms for one caller (goal: at most {QUICKEST})")
    print()
    print(
        f"Where they were set, the sketch reached {SKETCHED_MOST} and {SKETCHED_QUICKEST} ms. In its measure:"
    )
    print(f"{_mark(share >= share_wanted)} {share:.2f} of its issuances (goal: at least {share_wanted:.2f})")
    print(f"{_mark(longer <= longer_wanted)} {longer:.2f} times its time (goal: at most {longer_wanted:.2f})")
    return 0 if many.per_second >= MOST and one.p50 <= QUICKEST else 1


def _mark(is_met: bool) -> str:
    return "✓" if is_met else "✗"


if __name__ == "__main__":
    sys.exit(main())
