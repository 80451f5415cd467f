"""The checklist: results of checks that pass, fail or raise."""

from daypass.demo.proof import Check, CheckFailed, CheckResult, run_checks


def failing(error: Exception) -> Check:
    def run() -> str:
        raise error

    return Check("it holds", run)


def test_a_passed_check_reports_its_outcome() -> None:
    assert list(run_checks([Check("it holds", lambda: "3 objects")])) == [
        CheckResult("it holds", True, "3 objects")
    ]


def test_a_failed_check_reports_the_actual_outcome() -> None:
    assert list(run_checks([failing(CheckFailed("AWS allowed it"))])) == [
        CheckResult("it holds", False, "AWS allowed it")
    ]


def test_a_check_that_raises_fails_and_the_next_one_runs() -> None:
    found = list(
        run_checks([failing(ConnectionError("nobody there")), Check("and so does this", lambda: "yes")])
    )

    assert found == [
        CheckResult("it holds", False, "ConnectionError: nobody there"),
        CheckResult("and so does this", True, "yes"),
    ]
