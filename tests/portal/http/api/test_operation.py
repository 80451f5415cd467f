"""The errors that follow from the fields of an operation."""

from daypass.portal.errors import AccessDenied, InsufficientScope, ReauthenticationRequired, UserNotFound
from daypass.portal.http.api.operation import Condition, Operation
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.endpoints import answer_nothing
from daypass.portal.http.core.problems import VersionNeeded


def operation(permission: Permission, method: str = "GET", condition: Condition | None = None) -> Operation:
    return Operation(
        method=method,
        path="/things",
        name="things",
        summary="List things",
        permission=permission,
        handler=lambda _request: answer_nothing(),
        refusals=(UserNotFound,),
        condition=condition,
    )


def test_an_administrative_operation_describes_the_errors_of_its_permission_check() -> None:
    assert {AccessDenied, InsufficientScope} <= set(operation(Permission.ADMINISTRATOR).every_refusal)
    assert AccessDenied not in operation(Permission.USER).every_refusal


def test_an_administrative_change_may_need_reauthentication() -> None:
    assert ReauthenticationRequired in operation(Permission.ADMINISTRATOR, "POST").every_refusal
    assert ReauthenticationRequired not in operation(Permission.ADMINISTRATOR).every_refusal


def test_a_conditional_operation_needs_a_version() -> None:
    change = operation(Permission.ADMINISTRATOR, "PUT", Condition.PUT)

    assert VersionNeeded in change.every_refusal
    assert UserNotFound in change.every_refusal
    assert len(change.every_refusal) == len(set(change.every_refusal))
