"""The time of a refused sign-in, for known and for unknown users: it must not tell whether a user exists.

    python -m benchmarks.sign_in_timing [--samples 2000]

Sends wrong passwords for a known user and for an unknown one, alternating, on SQLite. Goals: medians at most
5 ms apart, and no significant difference in a Kolmogorov-Smirnov test (p > 0.01). Needs a quiet machine.
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

from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import OPERATOR
from daypass.portal.errors import SignInFailed
from daypass.portal.identity.authentication import Identity
from daypass.portal.identity.model import Role
from daypass.portal.identity.providers.base import SignInContext
from daypass.portal.identity.providers.local_password import LocalPasswords
from daypass.portal.identity.rate_limit.limits import WINDOW
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Database
from daypass.portal.storage.migrate import migrate

MAX_DIFFERENCE = 0.005
"""Goal: the maximum difference of the medians, in seconds."""

MIN_P = 0.01
"""Goal: the p-value must be higher."""

RIGHT, WRONG = Secret("correct horse battery"), Secret("this is not the password")
WARM_UP = 10


@dataclass(slots=True)
class QuickClock:
    """A clock that is advanced between attempts, so that no rate limit is reached."""

    now: datetime = field(default_factory=lambda: datetime(2026, 1, 1, tzinfo=UTC))

    def __call__(self) -> datetime:
        """Return the current time."""
        return self.now


def main() -> int:
    """Measure, and print the results; return 1 if a goal is not met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=2000, help="of each kind")
    samples = parser.parse_args().samples
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        database, clock = Database(f"sqlite:///{folder}/portal.db"), QuickClock()
        migrate(database)
        with closing(database), closing(Committer(database, clock)) as committer:
            Identity(database, committer, clock).create_user("known@example.com", Role.USER, RIGHT, OPERATOR)
            known, unknown = measure(LocalPasswords(database, committer, clock), clock, samples)
    difference, p = abs(median(known) - median(unknown)), p_value(known, unknown)
    is_met = difference <= MAX_DIFFERENCE and p > MIN_P
    print(
        f"known user {median(known) * 1000:.2f} ms, unknown user {median(unknown) * 1000:.2f} ms, p = {p:.3f}"
    )
    print("met" if is_met else "NOT MET")
    return 0 if is_met else 1


def measure(passwords: LocalPasswords, clock: QuickClock, samples: int) -> tuple[list[float], list[float]]:
    """Return the time of each response, in seconds: for a known user, and for an unknown one."""
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
    """Return the p-value of a two-sided Kolmogorov-Smirnov test of two samples."""
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
