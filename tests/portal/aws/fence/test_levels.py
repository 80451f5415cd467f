"""Requests that a permission set must refuse although it has their actions, decided by an IAM evaluator."""

from tests.evaluator.run import ACCOUNT_ID, allowed
from tests.portal.aws.fence.rights import request, rights

SERVICE = f"arn:aws:ecs:us-west-2:{ACCOUNT_ID}:service/duploservices-dev01-web/api"
DEFINITION = f"arn:aws:ecs:us-west-2:{ACCOUNT_ID}:task-definition/duploservices-dev01-migration:1"


def test_an_operator_restarts_a_service_and_does_not_choose_its_task_definition() -> None:
    restart = request("ecs:UpdateService", SERVICE)
    other_code = request("ecs:UpdateService", SERVICE, {"ecs:task-definition": DEFINITION})

    assert allowed(rights("ecs:UpdateService"), [restart, other_code]) == {str(restart), str(other_code)}
    operator = rights("ecs:UpdateService", level="operator")
    assert allowed(operator, [restart, other_code]) == {str(restart)}
