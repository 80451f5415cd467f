"""The number of AWS sessions that the whole portal issues in a second, beside baselines of the same machine.

    python -m benchmarks.issue [--seconds 4]
    python -m benchmarks.issue --against REVISION [--pairs 6] [--seconds 4]
    python -m benchmarks.issue --workers 2 [--pairs 6] [--seconds 4]

The portal runs as `daypass portal serve` runs it: TLS off, SQLite with synchronous=FULL, each audit event
durable before the response. AWS is a stub that responds immediately. Portal, stub and load share the cores
of the machine. The baselines are a bare commit on the same disk, a bare handler of the same server, and a
sketch of the path that does the minimum of an issuance. Each load of the sketch runs just before the same
load of the portal.

With --against, the portals of this tree and of another revision are measured in alternation, and the ratios
of the pairs are printed with their spread. With --workers, so are a portal with that number of workers and
one with a single worker.
"""

import argparse
import json
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import interpreter, stages
from benchmarks.comparison import MIN_PAIRS, Pair, is_reversed, table
from benchmarks.goals import ratios
from benchmarks.portal import Served, seed, serve, sketch, stub_aws
from benchmarks.runs import CALLERS, Run, load
from benchmarks.sketch import TOKEN
from benchmarks.trees import checkout, serve_tree, this_tree
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Database


def main() -> int:
    """Measure, and print the tables; return 1 if a goal is not met."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=4.0, help="the duration of each load")
    other = parser.add_mutually_exclusive_group()
    other.add_argument("--against", metavar="REVISION", help="compare with the portal of this revision")
    other.add_argument("--workers", type=int, metavar="N", help="compare N workers with one")
    parser.add_argument("--pairs", type=int, default=MIN_PAIRS, help=f"pairs of runs, at least {MIN_PAIRS}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the runs of the pairs here")
    options = parser.parse_args()
    if options.pairs < MIN_PAIRS:
        parser.error(f"--pairs: fewer than {MIN_PAIRS} pairs show no spread.")
    print(f"{interpreter.describe_this()}; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name, stub_aws() as aws_url:
        length = _Length(options.pairs, options.seconds)
        if options.against is not None:
            pairs = _compare_trees(Path(name), aws_url, options.against, length)
        elif options.workers is not None:
            pairs = _compare_workers(Path(name), aws_url, options.workers, length)
        else:
            return _measure(Path(name), aws_url, options.seconds)
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(pair) for pair in pairs], indent=1))
    print()
    print("\n".join(table(pairs)))
    return 0


def _measure(folder: Path, aws_url: str, seconds: float) -> int:
    database_url = f"sqlite:///{folder / 'portal.db'}"
    with closing(Database(database_url)) as database:
        token = seed(database)
    commits = _commits(folder / "commits.db", min(seconds, 2.0))
    with sketch(folder, aws_url) as sketched, serve(folder, aws_url) as portal:
        bare = [load("a bare handler", portal, callers, min(seconds, 2.0)) for callers in CALLERS]
        sketch_runs, portal_runs = [], []
        for callers in CALLERS:
            sketch_runs.append(load("the sketch", sketched, callers, seconds, Secret(TOKEN)))
            portal_runs.append(load("an issuance", portal, callers, seconds, token))
    stage_costs = stages.measure(database_url, aws_url, token)
    _print_runs([*bare, *sketch_runs, *portal_runs], commits)
    _print_stages(stage_costs)
    print()
    found = ratios(bare, sketch_runs, portal_runs, is_optimised=interpreter.is_this_optimised() or False)
    print("\n".join(str(ratio) for ratio in found))
    return 0 if all(ratio.is_met for ratio in found) else 1


@dataclass(frozen=True, slots=True)
class _Length:
    """The extent of a comparison: the number of pairs, and the duration of each load in seconds."""

    pairs: int
    seconds: float


def _compare_trees(folder: Path, aws_url: str, revision: str, length: _Length) -> Sequence[Pair]:
    _progress(f"Preparing {revision}.")
    with (
        checkout(revision, folder) as other,
        serve_tree(other, folder / "old", aws_url) as old,
        serve_tree(this_tree(), folder / "new", aws_url) as new,
    ):
        return _alternate(old, new, length)


def _compare_workers(folder: Path, aws_url: str, workers: int, length: _Length) -> Sequence[Pair]:
    """Return pairs in which the older run is that of a portal with one worker."""
    with ExitStack() as stack:
        served: list[tuple[Served, Secret]] = []
        for number in (1, workers):
            own = folder / f"workers-{number}"
            own.mkdir()
            with closing(Database(f"sqlite:///{own / 'portal.db'}")) as database:
                token = seed(database)
            served.append((stack.enter_context(serve(own, aws_url, number)), token))
        one, several = served
        return _alternate(one, several, length)


def _alternate(old: tuple[Served, Secret], new: tuple[Served, Secret], length: _Length) -> Sequence[Pair]:
    """Return the pairs of runs for each number of callers."""
    minutes = 2 * length.pairs * len(CALLERS) * (length.seconds + 0.5) / 60
    _progress(f"The measurement takes {minutes:.0f} minutes.")
    pairs: list[Pair] = []
    for number in range(length.pairs):
        new_first = is_reversed(number)
        pairs += [_pair(old, new, callers, length.seconds, new_first=new_first) for callers in CALLERS]
        _progress(f"pair {number + 1} of {length.pairs}")
    return pairs


def _pair(
    old: tuple[Served, Secret], new: tuple[Served, Secret], callers: int, seconds: float, *, new_first: bool
) -> Pair:
    def run(name: str, served: tuple[Served, Secret]) -> Run:
        return load(name, served[0], callers, seconds, served[1])

    if new_first:
        newer = run("new", new)
        return Pair(run("old", old), newer)
    older = run("old", old)
    return Pair(older, run("new", new))


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


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


def _print_runs(runs: list[Run], commits: list[float]) -> None:
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


if __name__ == "__main__":
    sys.exit(main())
