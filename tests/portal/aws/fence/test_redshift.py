"""Redshift: statements of the Data API, which have no ARNs, with an independent IAM evaluator."""

from tests.evaluator.run import Request, allowed
from tests.portal.aws.fence.one_service import PRINCIPAL, USER_ID, rights

ACTIONS = ("CancelStatement", "DescribeStatement", "GetStatementResult")


def by(owner: str) -> list[Request]:
    """Return requests for a statement that the session of *owner* started."""
    context = PRINCIPAL | {"redshift-data:statement-owner-iam-userid": owner}
    return [Request(f"redshift-data:{action}", "*", context) for action in ACTIONS]


def test_only_the_session_that_started_a_statement_reads_its_result() -> None:
    own, foreign = by(USER_ID), by("AROAEXAMPLE2:dana@example.com")

    assert allowed(rights("redshift"), [*own, *foreign]) == {str(request) for request in own}
