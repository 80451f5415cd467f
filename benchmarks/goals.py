"""The goals of issuing, as ratios to baselines of the same run."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.runs import CALLERS, Run, with_callers

CPU_GOAL, OPTIMISED_CPU_GOAL = 15.0, 12.0
"""The most CPU time of an issuance, in that of a bare handler, without and with PGO."""

RATE_GOAL = 0.95
"""The least issuances per second, in those of the sketch."""

TIME_GOAL = 1.15
"""The longest median time with one caller, in that of the sketch."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """A measured ratio and its goal."""

    name: str
    measured: float
    goal: float
    is_minimum: bool = False

    @property
    def is_met(self) -> bool:
        """Whether the goal is met."""
        return self.measured >= self.goal if self.is_minimum else self.measured <= self.goal

    def __str__(self) -> str:
        limit = "at least" if self.is_minimum else "at most"
        return f"{'✓' if self.is_met else '✗'} {self.measured:.2f} {self.name} (goal: {limit} {self.goal:g})"


def ratios(
    bare: Sequence[Run], sketch: Sequence[Run], portal: Sequence[Run], *, is_optimised: bool
) -> Sequence[Ratio]:
    """Return the ratios of the portal's runs to those of the baselines."""
    most, one = max(CALLERS), min(CALLERS)
    busy, alone = with_callers(portal, most), with_callers(portal, one)
    return [
        Ratio(
            f"× the CPU time of a bare handler, {most} callers",
            busy.cpu / with_callers(bare, most).cpu,
            OPTIMISED_CPU_GOAL if is_optimised else CPU_GOAL,
        ),
        Ratio(
            f"× the issuances of the sketch, {most} callers",
            busy.per_second / with_callers(sketch, most).per_second,
            RATE_GOAL,
            is_minimum=True,
        ),
        Ratio("× the time of the sketch, one caller", alone.p50 / with_callers(sketch, one).p50, TIME_GOAL),
    ]
