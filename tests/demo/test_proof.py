"""The checklist: what a line says when a check holds, does not hold, or breaks."""

from daypass.demo.proof import Check, CheckFailed, CheckResult, run_checks


def failing(error: Exception) -> Check:
    def run() -> str:
        raise error

    return Check("it holds", run)


def test_a_check_that_holds_shows_its_outcome() -> None:
    assert list(run_checks([Check("it holds", lambda: "3 objects")])) == [
        CheckResult("it holds", True, "3 objects")
    ]


def test_a_check_that_does_not_hold_says_what_came_instead() -> None:
    assert list(run_checks([failing(CheckFailed("AWS allowed it"))])) == [
        CheckResult("it holds", False, "AWS allowed it")
    ]


def test_a_check_that_breaks_is_not_kept_and_the_next_is_still_run() -> None:
    found = list(
        run_checks([failing(ConnectionError("nobody there")), Check("and so does this", lambda: "yes")])
    )

    assert found == [
        CheckResult("it holds", False, "ConnectionError: nobody there"),
        CheckResult("and so does this", True, "yes"),
    ]
