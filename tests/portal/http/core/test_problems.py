"""Every error class has a status, and is answered in the format of its channel."""

from starlette.requests import Request

from daypass.portal import app, errors
from daypass.portal.errors import PortalError
from daypass.portal.http.core.problems import REQUEST_ID, STATUSES, message, problem, status_of
from tests.reference.errors import subclasses


def test_every_error_class_has_a_status() -> None:
    # The composition root imports every module that defines errors.
    assert app.__doc__
    every = set(subclasses(PortalError)) - {errors.AwsError}

    assert [kind for kind in every if not any(above in STATUSES for above in kind.__mro__)] == []
    assert [kind for kind in every if not kind.code.replace("_", "").isalpha()] == []
    assert all(400 <= status < 600 for status in STATUSES.values())


def test_no_two_error_classes_share_a_code() -> None:
    codes = [kind.code for kind in STATUSES if "code" in vars(kind)]

    assert len(set(codes)) == len(codes)


def test_an_error_has_the_format_of_its_channel() -> None:
    refusal = errors.TenantNotFound("You have no tenant “x”.")
    status = status_of(refusal)

    request = Request({"type": "http", "headers": [], REQUEST_ID: "id-1"})

    ours, theirs = problem(refusal, status, request), message(refusal, status, request)

    assert (ours.status_code, ours.media_type) == (404, "application/problem+json")
    assert bytes(theirs.body).decode() == '{"Message":"You have no tenant “x”."}'
