"""Two trees measured in alternation: the ratio of each pair of runs, its median and its spread.

A machine whose speed changes from minute to minute changes both runs of a pair, so the ratio shows a
difference that the runs alone do not.
"""

import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.runs import Run

MIN_PAIRS = 6
"""The fewest pairs whose median has an interval that means something."""

_RESAMPLES = 4000
_MEASURES: Mapping[str, Callable[[Run], float]] = {
    "rate": lambda run: run.per_second,
    "CPU": lambda run: run.cpu,
    "p50": lambda run: run.p50,
    "p99": lambda run: run.p99,
}


@dataclass(frozen=True, slots=True)
class Pair:
    """The runs of both trees with one number of callers, one right after the other."""

    old: Run
    new: Run


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of ratios, and the interval in which it lies with a probability of 95 %."""

    median: float
    low: float
    high: float

    @property
    def shows_difference(self) -> bool:
        """Whether the interval is beside 1."""
        return not self.low <= 1 <= self.high


def spread(ratios: Sequence[float]) -> Spread:
    """Return the median of *ratios* with its interval, by the bootstrap; it is the same in each call."""
    chance = random.Random(0)  # noqa: S311  no secret
    medians = sorted(statistics.median(chance.choices(ratios, k=len(ratios))) for _ in range(_RESAMPLES))
    return Spread(
        statistics.median(ratios), medians[_RESAMPLES // 40], medians[_RESAMPLES - _RESAMPLES // 40 - 1]
    )


def table(pairs: Sequence[Pair], heading: str = "new / old") -> Sequence[str]:
    """Return the lines of a table of the ratios new/old, for each measure and number of callers."""
    width = len(heading)
    lines = [f"{heading}{'callers':>9}{'median':>8}   95 % of medians"]
    for callers in sorted({pair.new.callers for pair in pairs}):
        for name, measure in _MEASURES.items():
            found = spread(
                [measure(pair.new) / measure(pair.old) for pair in pairs if pair.new.callers == callers]
            )
            note = "" if found.shows_difference else "   no difference seen"
            lines.append(
                f"{name:{width}}{callers:9}{found.median:8.2f}   {found.low:.2f} to {found.high:.2f}{note}"
            )
    return lines


def is_reversed(number: int) -> bool:
    """Return whether the new tree runs first in that pair, which is so for every second one."""
    return number % 2 == 1
