"""Tests of the errors for clocks that differ, in all clients of AWS."""

from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler

import pytest

from daypass.portal.access.broker import Deadline
from daypass.portal.access.model import AssumeRoleParameters, Credentials
from daypass.portal.aws.broker import AwsBroker
from daypass.portal.aws.tagging import make_finder
from daypass.portal.clock import utc_now
from daypass.portal.errors import AwsError, AwsMisconfigured, AwsRefused, AwsTrustRefused
from daypass.portal.inventory.finder import Query
from daypass.portal.permission_sets.model import FULL
from daypass.portal.secret import Secret
from tests.portal.aws.conftest import aws_config, roles_at
from tests.portal.aws.stub import Script, StubAws, answer, error, identity

ROLE = "arn:aws:iam::123456789012:role/duploservices-dev01"
SOON = Deadline(1e9)


def at(ahead: timedelta | None, script: Script) -> Script:
    """Let a script respond with a Date that is ahead of the portal's clock; None omits the Date."""

    def answering(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response = handler.send_response_only  # type: ignore[method-assign]  # without a Date
        if ahead is not None:
            send_header = handler.send_header

            def with_date(keyword: str, value: str) -> None:
                if keyword == "Content-Type":
                    send_header("Date", format_datetime(utc_now() + ahead, usegmt=True))
                send_header(keyword, value)

            handler.send_header = with_date  # type: ignore[method-assign]  # adds one
        script(handler)

    return answering


def assumed(broker: AwsBroker) -> object:
    session = AssumeRoleParameters(
        role_arn=ROLE,
        session_name="dana@example.com",
        source_identity="dana-id",
        tags={},
        duration=timedelta(hours=1),
        external_id="external",
        region="us-west-2",
        permission_set=FULL,
    )
    return broker.assume(session, attributed=True, deadline=SOON)


MINUTES = timedelta(minutes=1)
EXPIRED = "Signature expired: 20261124T120000Z is now earlier than 20261124T121500Z"


@pytest.mark.parametrize(
    ("ahead", "script", "says"),
    [
        (-10 * MINUTES, error(403, "AccessDenied"), "10 minutes behind"),
        (16 * MINUTES, error(403, "SignatureDoesNotMatch"), "1[56] minutes ahead"),
        (timedelta(), error(400, "RequestExpired"), "clock and the portal's differ"),
        (None, error(403, "RequestTimeTooSkewed"), "clock and the portal's differ"),
        (None, error(403, "SignatureDoesNotMatch", EXPIRED), "clock and the portal's differ"),
    ],
)
def test_an_error_caused_by_the_clock_says_so(
    broker: AwsBroker, stub: StubAws, ahead: timedelta | None, script: Script, says: str
) -> None:
    stub.play(at(ahead, script))

    with pytest.raises(AwsMisconfigured, match=says):
        assumed(broker)
    assert broker.issuing().reason == "aws_misconfigured"


@pytest.mark.parametrize("ahead", [None, timedelta(), 4 * MINUTES, -4 * MINUTES])
def test_a_trust_error_is_no_clock_error_while_the_clocks_agree(
    broker: AwsBroker, stub: StubAws, ahead: timedelta | None
) -> None:
    stub.play(at(ahead, error(403, "AccessDenied")))

    with pytest.raises(AwsTrustRefused):
        assumed(broker)


def test_a_clock_error_of_the_tag_search_says_so(stub: StubAws) -> None:
    source = make_finder(aws_config(stub.url), connections=1)
    keys = Credentials("ASIAEXAMPLEEXAMPLE12", Secret("x"), Secret("y"), utc_now() + timedelta(hours=1))
    stub.play(at(-10 * MINUTES, answer(400, b'{"__type": "AccessDeniedException"}')))

    with pytest.raises(AwsMisconfigured, match="behind"):
        list(source.pages(Query("us-west-2", "TENANT_NAME", "dev01", (), ROLE), keys, SOON))


@pytest.mark.parametrize(
    "act",
    [
        lambda roles: roles.principal(),
        lambda roles: roles.read(ROLE),
        lambda roles: roles.set_maximum(ROLE, timedelta(hours=1)),
    ],
)
def test_a_clock_error_through_boto3_says_so(stub: StubAws, act: Callable[[object], object]) -> None:
    roles = roles_at(stub.url)
    stub.play(at(-10 * MINUTES, error(403, "AccessDenied")))

    with pytest.raises(AwsMisconfigured, match="10 minutes behind"):
        act(roles)


def role_answer(inside: str) -> Script:
    body = (
        '<GetRoleResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><GetRoleResult>'
        f"{inside}</GetRoleResult></GetRoleResponse>"
    )
    return answer(200, body.encode())


@pytest.mark.parametrize(
    ("script", "says"),
    [
        (role_answer(f"<Role><Arn>{ROLE}</Arn></Role>"), "has no trust policy"),
        (role_answer("<Role></Role>"), "not a valid response"),
        (role_answer(""), "not a valid response"),
        (answer(200, b"<html>a captive portal"), "not a valid response"),
    ],
)
def test_an_incomplete_response_about_a_role_is_an_error_that_names_the_gap(
    stub: StubAws, script: Script, says: str
) -> None:
    roles = roles_at(stub.url)
    stub.play(script)

    with pytest.raises(AwsRefused, match=says):
        roles.read(ROLE)


def test_an_incomplete_response_about_the_portal_is_an_error_that_names_the_gap(stub: StubAws) -> None:
    roles = roles_at(stub.url)
    stub.play(at(None, identity()))
    with pytest.raises(AwsRefused, match="no time"):
        roles.aws_clock()
    stub.play(answer(200, b"<GetCallerIdentityResponse/>"))
    with pytest.raises(AwsError):
        roles.principal()
