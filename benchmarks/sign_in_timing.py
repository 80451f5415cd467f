"""Whether the time of an answer tells if there is such a user.

    python -m benchmarks.sign_in_timing [--samples 2000]

A wrong password for a known user and for an unknown one, in turns, on SQLite. Goal: medians at most 5 ms
apart, and a Kolmogorov-Smirnov test that finds no difference (p > 0.01). Wants a quiet machine.
"""

import argparse
import math
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from daypass.portal.audit.event import OPERATOR
from daypass.portal.audit.units_of_work import UnitsOfWork
from daypass.portal.errors import SignInFailed
from daypass.portal.identity.authentication import Identity
from daypass.portal.identity.model import Role
from daypass.portal.identity.providers.base import SignInContext
from daypass.portal.identity.providers.local_password import LocalPasswords
from daypass.portal.identity.rate_limit.limits import WINDOW
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Database
from daypass.portal.storage.migrate import migrate

APART = 0.005
"""Goal: at most so many seconds between the medians."""

LEAST_P = 0.01
"""Goal: at least this likely that both come from one distribution."""

RIGHT, WRONG = Secret("correct horse battery"), Secret("this is not the password")
WARM_UP = 10


@dataclass(slots=True)
class QuickClock:
    """Time passes between guesses, so that no budget is ever used up."""

    now: datetime = field(default_factory=lambda: datetime(2026, 1, 1, tzinfo=UTC))

    def __call__(self) -> datetime:
        """The present moment."""
        return self.now


def main() -> int:
    """Measure and print; 1 if the goal is not met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=2000, help="of each kind")
    samples = parser.parse_args().samples
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        database, clock = Database(f"sqlite:///{folder}/portal.db"), QuickClock()
        migrate(database)
        with closing(database), closing(UnitsOfWork(database, clock)) as units:
            Identity(database, units, clock).create_user("known@example.com", Role.USER, RIGHT, OPERATOR)
            known, unknown = measure(LocalPasswords(database, units, clock), clock, samples)
    apart, p = abs(median(known) - median(unknown)), p_value(known, unknown)
    is_met = apart <= APART and p > LEAST_P
    print(
        f"known user {median(known) * 1000:.2f} ms, unknown user {median(unknown) * 1000:.2f} ms, p = {p:.3f}"
    )
    print("met" if is_met else "NOT MET")
    return 0 if is_met else 1


def measure(passwords: LocalPasswords, clock: QuickClock, samples: int) -> tuple[list[float], list[float]]:
    """How long each answer took, in seconds: for a known user, and for an unknown one."""
    context = SignInContext("192.0.2.7", request_id="")
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(samples + WARM_UP):
        for username, taken in zip(("known@example.com", "other@example.com"), times, strict=True):
            clock.now += WINDOW + timedelta(seconds=1)
            began = time.perf_counter()
            with suppress(SignInFailed):
                passwords.verify(username, WRONG, context)
            if number >= WARM_UP:
                taken.append(time.perf_counter() - began)
    return times


def p_value(one: Sequence[float], other: Sequence[float]) -> float:
    """How likely two samples of one distribution differ as much: Kolmogorov-Smirnov, both sides."""
    merged = sorted([(value, 1 / len(one)) for value in one] + [(value, -1 / len(other)) for value in other])
    height, farthest = 0.0, 0.0
    for _, step in merged:
        height += step
        farthest = max(farthest, abs(height))
    root = math.sqrt(len(one) * len(other) / (len(one) + len(other)))
    size = (root + 0.12 + 0.11 / root) * farthest
    # The series does not converge where hardly anything differs.
    if size < 0.2:
        return 1.0
    series: list[float] = [(-1.0) ** (k - 1) * math.exp(-2 * (k * size) ** 2) for k in range(1, 101)]
    return max(0.0, min(1.0, 2 * sum(series)))


if __name__ == "__main__":
    sys.exit(main())
