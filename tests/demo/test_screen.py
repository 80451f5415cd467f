"""What is printed: aligned, and in colour only where somebody wants it."""

import pytest

from daypass.demo import output
from daypass.demo.proof import CheckResult


def test_promises_and_outcomes_stand_in_columns(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_result(CheckResult("It holds", True, "3 objects"))
    output.print_result(CheckResult("And so does this", False, "AWS allowed it"))

    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("  ✓ It holds ")
    assert second.startswith("  ✗ And so does this ")
    assert first.index("3 objects") == second.index("AWS allowed it")


def test_what_is_no_terminal_gets_no_colour(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_title("A heading")
    output.print_result(CheckResult("It holds", True, "3 objects"))

    assert "\x1b" not in capsys.readouterr().out
