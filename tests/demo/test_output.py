"""The demo's output: aligned, and in colour only on a terminal."""

import pytest

from daypass.demo import output
from daypass.demo.proof import CheckResult


def test_titles_and_outcomes_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_result(CheckResult("It holds", True, "3 objects"))
    output.print_result(CheckResult("And so does this", False, "AWS allowed it"))

    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("  ✓ It holds ")
    assert second.startswith("  ✗ And so does this ")
    assert first.index("3 objects") == second.index("AWS allowed it")


def test_output_that_is_not_a_terminal_has_no_colour(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_title("A heading")
    output.print_result(CheckResult("It holds", True, "3 objects"))

    assert "\x1b" not in capsys.readouterr().out
