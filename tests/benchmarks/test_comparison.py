"""The arithmetic of the benchmarks: ratios with their spread, goals, and the kind of an interpreter."""

import pytest
from benchmarks.comparison import Pair, is_reversed, spread, table
from benchmarks.goals import CPU_GOAL, OPTIMISED_CPU_GOAL, ratios
from benchmarks.interpreter import describe, is_optimised
from benchmarks.runs import CALLERS, Run


def run(callers: int, *, per_second: float = 100.0, p50: float = 10.0, cpu: float = 1.0) -> Run:
    return Run("a run", callers, per_second, p50, 2 * p50, cpu)


def test_a_spread_is_around_the_median_and_the_same_each_time() -> None:
    found = spread([1.2, 1.3, 1.25, 1.4, 1.31, 1.28])

    assert found == spread([1.2, 1.3, 1.25, 1.4, 1.31, 1.28])
    assert 1.2 <= found.low <= found.median <= found.high <= 1.4
    assert found.median == pytest.approx(1.29)
    assert found.shows_difference
    assert not spread([0.9, 1.1, 1.0, 0.95, 1.05, 1.02]).shows_difference


def test_a_speed_that_changes_from_pair_to_pair_does_not_hide_a_difference() -> None:
    slower = [1.0, 0.6, 0.9, 0.5, 1.1, 0.7]
    pairs = [Pair(run(1, per_second=100 * speed), run(1, per_second=130 * speed)) for speed in slower]

    rate, *others = table(pairs)[1:]

    assert rate.split()[:4] == ["rate", "1", "1.30", "1.30"]
    assert "no difference" not in rate
    assert all(line.endswith("no difference seen") for line in others)


def test_the_trees_take_turns_in_running_first() -> None:
    assert [is_reversed(number) for number in range(4)] == [False, True, False, True]


@pytest.mark.parametrize(("optimised", "goal"), [(False, CPU_GOAL), (True, OPTIMISED_CPU_GOAL)])
def test_the_goals_are_ratios_to_the_baselines(*, optimised: bool, goal: float) -> None:
    bare = [run(callers, cpu=0.1) for callers in CALLERS]
    sketch = [run(callers, per_second=500, p50=4) for callers in CALLERS]
    portal = [run(callers, per_second=450, p50=5, cpu=1.3) for callers in CALLERS]

    cpu, rate, time = ratios(bare, sketch, portal, is_optimised=optimised)

    assert (round(cpu.measured, 2), cpu.goal, cpu.is_met) == (13.0, goal, not optimised)
    assert (round(rate.measured, 2), rate.is_met) == (0.9, False)
    assert (round(time.measured, 2), time.is_met) == (1.25, False)
    assert str(rate) == "✗ 0.90 × the issuances of the sketch, 32 callers (goal: at least 0.95)"


@pytest.mark.parametrize(
    ("variables", "prefix", "optimised", "words"),
    [
        ({"CONFIG_ARGS": "'--enable-optimizations' '--with-lto'"}, "/opt", True, "PGO, LTO"),
        ({"PY_CORE_CFLAGS": "-O3 -fprofile-use", "CONFIG_ARGS": None}, "/usr", True, "PGO, no LTO"),
        (
            {"CONFIG_ARGS": "'--prefix=/opt'", "PGO_PROF_USE_FLAG": "-fprofile-use"},
            "/opt",
            False,
            "without PGO",
        ),
        ({"CONFIG_ARGS": "'--enable-shared'"}, "/usr", None, "does not say"),
    ],
)
def test_the_build_of_an_interpreter_is_named(
    variables: dict[str, object], prefix: str, words: str, *, optimised: bool | None
) -> None:
    assert is_optimised(variables, prefix) is optimised
    assert words in describe(variables, prefix)
