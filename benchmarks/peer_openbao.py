"""The sessions that OpenBao issues in a second, beside those of Daypass, in one run.

    python -m benchmarks.peer_openbao [--pairs 6] [--seconds 4] [--workers N]

Both call the same stub of STS, which responds immediately, and serve without TLS on one machine. OpenBao has
raft storage and the file audit device, and writes a lease for each session. Daypass serves SQLite with a
worker for each core, because OpenBao uses all cores, and makes each audit event durable before the response.

It needs `bao` and `openbao-plugin-secrets-aws` on the PATH. Without them it says so and exits with status 2.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from benchmarks import interpreter
from benchmarks.comparison import MIN_PAIRS, Pair, is_reversed, table
from benchmarks.openbao import (
    SESSION,
    OpenBaoFailed,
    OpenBaoMissing,
    Programs,
    find_programs,
    serve_openbao,
)
from benchmarks.portal import Served, seed, serve, stub_aws
from benchmarks.runs import CALLERS, Run, load, median_run
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Database

MISSING = 2
"""The exit status without OpenBao."""


def main() -> int:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=4.0, help="the duration of each load")
    parser.add_argument("--pairs", type=int, default=MIN_PAIRS, help=f"pairs of runs, at least {MIN_PAIRS}")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="workers of Daypass")
    options = parser.parse_args()
    if options.pairs < MIN_PAIRS:
        parser.error(f"--pairs: fewer than {MIN_PAIRS} pairs show no spread.")
    try:
        programs = find_programs()
    except OpenBaoMissing as missing:
        print(missing, file=sys.stderr)
        return MISSING
    print(f"{interpreter.describe_this()}; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    try:
        pairs = measure(programs, options.workers, options.pairs, options.seconds)
    except OpenBaoFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    print()
    print("\n".join(_runs(pairs)))
    print()
    print("\n".join(table(pairs, "OpenBao / Daypass")))
    return 0


def measure(programs: Programs, workers: int, number: int, seconds: float) -> Sequence[Pair]:
    """Return *number* pairs for each number of callers, in which Daypass is the old one."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name, stub_aws() as aws_url:
        folder = Path(name)
        with closing(Database(f"sqlite:///{folder / 'portal.db'}")) as database:
            member = seed(database)
        with (
            serve_openbao(programs, folder / "openbao", aws_url) as (openbao, token),
            serve(folder, aws_url, workers) as portal,
        ):
            return [
                _pair((portal, member), (openbao, token), callers, seconds, openbao_first=is_reversed(pair))
                for pair in range(number)
                for callers in CALLERS
            ]


def _pair(
    daypass: tuple[Served, Secret],
    openbao: tuple[Served, Secret],
    callers: int,
    seconds: float,
    *,
    openbao_first: bool,
) -> Pair:
    def of_openbao() -> Run:
        return load("OpenBao", openbao[0], callers, seconds, openbao[1], SESSION)

    if openbao_first:
        first = of_openbao()
        return Pair(load("Daypass", daypass[0], callers, seconds, daypass[1]), first)
    return Pair(load("Daypass", daypass[0], callers, seconds, daypass[1]), of_openbao())


def _runs(pairs: Sequence[Pair]) -> Sequence[str]:
    """Return the lines of a table of the medians of all runs."""
    lines = [f"{'':10}{'callers':>8}{'per second':>12}{'p50':>11}{'p99':>11}{'CPU':>11}"]
    for callers in CALLERS:
        of_callers = [pair for pair in pairs if pair.new.callers == callers]
        for runs in ([pair.old for pair in of_callers], [pair.new for pair in of_callers]):
            run = median_run(runs)
            times = f"{run.p50:8.2f} ms{run.p99:8.2f} ms{run.cpu:8.3f} ms"
            lines.append(f"{run.name:10}{run.callers:8}{run.per_second:12,.0f}{times}")
    return lines


if __name__ == "__main__":
    sys.exit(main())
