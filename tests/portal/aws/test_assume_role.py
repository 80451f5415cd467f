"""Tests of AssumeRole: the request, and the mapping of responses."""

import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler

import pytest

from daypass.portal.access.broker import Deadline, RoleMaximumExceeded
from daypass.portal.access.level_policies import READ_ONLY_LEVEL
from daypass.portal.access.model import AssumeRoleParameters
from daypass.portal.aws import policies
from daypass.portal.aws.broker import AwsBroker
from daypass.portal.aws.errors import CredentialsRefused, SessionRefused, SessionTooLarge
from daypass.portal.aws.fence.levels import withheld_actions
from daypass.portal.errors import (
    AwsError,
    AwsMisconfigured,
    AwsPolicyRefused,
    AwsRefused,
    AwsThrottled,
    AwsTrustRefused,
    AwsUnavailable,
)
from daypass.portal.permission_sets.model import FULL, READ_ONLY
from tests.portal.aws.conftest import OwnKeys, aws_config, connected
from tests.portal.aws.stub import FakeTiming, Script, StubAws, answer, error, reset, session
from tests.portal.permission_sets.examples import ANALYST, DATA_READER, OPERATOR

ROLE = "arn:aws:iam::123456789012:role/duploservices-dev01"
SESSION = AssumeRoleParameters(
    role_arn=ROLE,
    region="us-west-2",
    session_name="dana@example.com",
    duration=timedelta(hours=2),
    external_id="dev01-external",
    source_identity="0123456789abcdef0123456789abcdef",
    tags={"daypass:issuance": "feed", "daypass:tenant": "dev01"},
    permission_set=FULL,
)
HOLDER = ROLE.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/")
SOON = Deadline(1008.0)
CANARIES = ("SECRET-KEY-CANARY", "SESSION-TOKEN-CANARY", "OWN-SECRET-CANARY")


def test_the_assume_role_request_matches_the_session(broker: AwsBroker, stub: StubAws) -> None:
    stub.play(session())

    broker.assume(SESSION, attributed=True, deadline=SOON)

    assert stub.requests == [
        {
            "Action": "AssumeRole",
            "Version": "2011-06-15",
            "RoleArn": ROLE,
            "RoleSessionName": "dana@example.com",
            "DurationSeconds": "7200",
            "ExternalId": "dev01-external",
            "SourceIdentity": "0123456789abcdef0123456789abcdef",
            "TransitiveTagKeys.member.1": "daypass:issuance",
            "Tags.member.1.Key": "daypass:issuance",
            "Tags.member.1.Value": "feed",
            "Tags.member.2.Key": "daypass:tenant",
            "Tags.member.2.Value": "dev01",
        }
    ]


def test_a_session_without_attribution_has_no_source_identity_and_no_tags(
    broker: AwsBroker, stub: StubAws
) -> None:
    stub.play(session())

    broker.assume(replace(SESSION, external_id=None), attributed=False, deadline=SOON)

    assert stub.requests[0].keys() == {"Action", "Version", "RoleArn", "RoleSessionName", "DurationSeconds"}


def test_a_read_only_session_is_limited_by_the_managed_policy(broker: AwsBroker, stub: StubAws) -> None:
    stub.play(session())

    broker.assume(replace(SESSION, permission_set=READ_ONLY), attributed=True, deadline=SOON)

    assert stub.requests[0]["PolicyArns.member.1.arn"] == "arn:aws:iam::aws:policy/ReadOnlyAccess"
    assert json.loads(stub.requests[0]["Policy"]) == policies.read_only_limits(withheld_actions())
    assert len(stub.requests[0]["Policy"]) < 1536


def test_a_read_only_session_without_the_level_reads_no_secrets_either(
    broker: AwsBroker, stub: StubAws
) -> None:
    stub.play(session())

    broker.assume(replace(SESSION, permission_set=READ_ONLY), attributed=True, deadline=SOON)

    (deny,) = json.loads(stub.requests[0]["Policy"])["Statement"]
    # AWS's ReadOnlyAccess has these, and a role of generation 2 too.
    assert {"ssm:GetParameter*", "ecr:GetAuthorizationToken", "ecs:Describe*TaskDefinition"} <= {
        *deny["Action"]
    }
    assert deny["Effect"] == "Deny"


def test_a_read_only_session_by_the_level_has_that_policy_alone(broker: AwsBroker, stub: StubAws) -> None:
    stub.play(session())

    broker.assume(replace(SESSION, permission_set=READ_ONLY_LEVEL), attributed=True, deadline=SOON)

    (request,) = stub.requests
    arn = "arn:aws:iam::123456789012:policy/daypass-level-read-only"
    assert request["PolicyArns.member.1.arn"] == arn
    assert not {"Policy", "PolicyArns.member.2.arn"} & request.keys()


def test_a_refusal_of_the_level_s_policy_names_it(broker: AwsBroker, stub: StubAws) -> None:
    stub.play(error(400, "ValidationError"))

    with pytest.raises(AwsPolicyRefused, match="daypass-level-read-only"):
        broker.assume(replace(SESSION, permission_set=READ_ONLY_LEVEL), attributed=True, deadline=SOON)


def test_a_read_only_session_refuses_another_session_policy(broker: AwsBroker, stub: StubAws) -> None:
    everything = policies.to_json(policies.document(policies.allow(["*"], ["*"])))
    widened = replace(SESSION, permission_set=READ_ONLY, policy=everything)

    with pytest.raises(ValueError, match="no session policy of its own"):
        broker.assume(widened, attributed=True, deadline=SOON)

    assert "AssumeRole" not in {asked["Action"] for asked in stub.requests}


def test_a_session_with_a_set_has_its_policies_of_the_account_of_the_role(
    broker: AwsBroker, stub: StubAws
) -> None:
    stub.play(session())

    broker.assume(replace(SESSION, permission_set=DATA_READER), attributed=True, deadline=SOON)

    [asked] = stub.requests
    assert asked["PolicyArns.member.1.arn"] == "arn:aws:iam::aws:policy/ReadOnlyAccess"
    assert asked["PolicyArns.member.2.arn"] == "arn:aws:iam::123456789012:policy/own"
    # An Allow beside the managed policies would widen the session.
    assert {each["Effect"] for each in json.loads(asked["Policy"])["Statement"]} == {"Deny"}


def test_a_session_with_a_set_of_denies_is_allowed_the_rest(broker: AwsBroker, stub: StubAws) -> None:
    stub.play(session())

    broker.assume(replace(SESSION, permission_set=OPERATOR), attributed=True, deadline=SOON)

    [asked] = stub.requests
    assert not any(name.startswith("PolicyArns") for name in asked)
    allowing, *denying = json.loads(asked["Policy"])["Statement"]
    assert allowing == {"Effect": "Allow", "Action": "*", "Resource": "*"}
    assert denying == OPERATOR.deny_statements


SET_ROLE = "arn:aws:iam::123456789012:role/daypass-set-dev01.analyst"
OF_ITS_ROLE = replace(SESSION, permission_set=ANALYST, role_arn=SET_ROLE)


def test_a_session_of_a_set_s_own_role_has_no_session_policies(broker: AwsBroker, stub: StubAws) -> None:
    stub.play(session())

    broker.assume(OF_ITS_ROLE, attributed=True, deadline=SOON)

    [asked] = stub.requests
    assert asked["RoleArn"] == SET_ROLE
    assert not [name for name in asked if name.startswith("Policy")]


@pytest.mark.parametrize(
    "role_arn", [ROLE, f"{ROLE}.analyst", SET_ROLE.replace("analyst", "operator"), SET_ROLE.replace(".", "-")]
)
def test_a_set_with_a_role_of_its_own_has_sessions_of_no_other_role(
    broker: AwsBroker, stub: StubAws, role_arn: str
) -> None:
    with pytest.raises(ValueError, match="sessions of no other role"):
        broker.assume(replace(OF_ITS_ROLE, role_arn=role_arn), attributed=True, deadline=SOON)

    assert "AssumeRole" not in {asked["Action"] for asked in stub.requests}


@pytest.mark.parametrize(
    ("script", "kind"),
    [(error(403, "AccessDenied"), AwsTrustRefused), (error(400, "ValidationError"), SessionRefused)],
)
def test_a_refusal_of_a_set_s_own_role_names_no_policies(
    broker: AwsBroker, stub: StubAws, script: Script, kind: type[AwsError]
) -> None:
    stub.play(script)

    with pytest.raises(kind) as refused:
        broker.assume(OF_ITS_ROLE, attributed=True, deadline=SOON)

    assert "analyst" not in refused.value.reason.replace(SET_ROLE, "")


@pytest.mark.parametrize("code", ["ValidationError", "NoSuchEntity", "Surprise"])
def test_a_refusal_of_a_set_names_the_policies_that_the_account_may_lack(
    broker: AwsBroker, stub: StubAws, code: str
) -> None:
    stub.play(error(400, code, "Policy x does not exist"))

    with pytest.raises(AwsPolicyRefused) as refused:
        broker.assume(replace(SESSION, permission_set=DATA_READER), attributed=True, deadline=SOON)

    assert "“data-reader”" in refused.value.reason
    assert "account 123456789012: aws:ReadOnlyAccess, own." in refused.value.reason
    assert code in (refused.value.cause or "")


TAGS = {"daypass:claim:ref": "x" * 200, "daypass:claim:run": "y" * 7, "daypass:tenant": "dev01" * 60}


@pytest.mark.parametrize(
    ("session_of", "kind", "named"),
    [
        (replace(SESSION, tags=TAGS), SessionTooLarge, ["2 session tags of 207 characters"]),
        (
            replace(SESSION, permission_set=DATA_READER),
            AwsPolicyRefused,
            ["Shorten the Denies", "“data-reader”"],
        ),
        (
            replace(SESSION, tags=TAGS, permission_set=DATA_READER),
            AwsPolicyRefused,
            ["the longest is daypass:claim:ref with 200.", "Shorten the Denies"],
        ),
        (replace(SESSION, permission_set=READ_ONLY), SessionTooLarge, ["larger together than AWS allows"]),
    ],
)
def test_a_session_that_is_too_large_names_the_tags_and_the_set_and_is_not_tried_without_tags(
    broker: AwsBroker,
    stub: StubAws,
    session_of: AssumeRoleParameters,
    kind: type[AwsError],
    named: list[str],
) -> None:
    stub.play(error(400, "PackedPolicyTooLarge", "Packed policy consumes 104% of allotted space"))

    with pytest.raises(AwsError) as refused:
        broker.assume(session_of, attributed=True, deadline=SOON)

    assert type(refused.value) is kind
    assert all(text in refused.value.reason for text in named), refused.value.reason
    assert ("Remove session tags from the rule." in refused.value.reason) == (session_of.tags is TAGS)
    assert "PackedPolicyTooLarge" in (refused.value.cause or "")
    assert len(stub.requests) == 1


def test_a_denial_of_a_session_with_a_set_names_both_causes(broker: AwsBroker, stub: StubAws) -> None:
    stub.play(error(403, "AccessDenied"))

    # The type is kept: without it no second call would be made without attribution.
    with pytest.raises(AwsTrustRefused, match=r"trust policy .* Or AWS .* “data-reader”"):
        broker.assume(replace(SESSION, permission_set=DATA_READER), attributed=True, deadline=SOON)


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (error(400, "Throttling"), AwsThrottled),
        (error(500, "InternalFailure"), AwsUnavailable),
        (error(403, "ExpiredToken"), CredentialsRefused),
        (error(400, "ValidationError", "exceeds the MaxSessionDuration"), RoleMaximumExceeded),
    ],
)
def test_other_errors_of_a_session_with_a_set_keep_their_meaning(
    broker: AwsBroker, stub: StubAws, script: Script, kind: type[AwsError]
) -> None:
    stub.play(script)

    with pytest.raises(kind):
        broker.assume(replace(SESSION, permission_set=DATA_READER), attributed=True, deadline=SOON)


def test_the_response_becomes_credentials_whose_repr_hides_secrets(broker: AwsBroker, stub: StubAws) -> None:
    stub.play(session())

    credentials = broker.assume(SESSION, attributed=True, deadline=SOON)

    assert credentials.access_key_id == "ASIAEXAMPLEEXAMPLE12"
    assert credentials.secret_access_key.reveal() == "SECRET-KEY-CANARY"
    assert credentials.session_token.reveal() == "SESSION-TOKEN-CANARY"
    assert credentials.expires_at == datetime(2026, 11, 24, 13, 0, tzinfo=UTC)
    assert not any(canary in repr(credentials) for canary in CANARIES)


@pytest.mark.parametrize(
    ("script", "kind", "calls"),
    [
        (error(403, "AccessDenied"), AwsTrustRefused, 1),
        (error(400, "Throttling", "Rate exceeded"), AwsThrottled, 3),
        (error(400, "RequestLimitExceeded"), AwsThrottled, 3),
        (error(500, "InternalFailure"), AwsUnavailable, 3),
        (error(503, "ServiceUnavailable"), AwsUnavailable, 3),
        (answer(503, b"<html>no upstream</html>"), AwsUnavailable, 3),
        (answer(502, b"Bad Gateway"), AwsUnavailable, 3),
        (reset, AwsUnavailable, 3),
        (error(403, "ExpiredToken"), CredentialsRefused, 1),
        (error(403, "InvalidClientTokenId"), CredentialsRefused, 1),
        (error(403, "SignatureDoesNotMatch"), CredentialsRefused, 1),
        (error(403, "RegionDisabledException"), AwsMisconfigured, 1),
        (error(400, "PackedPolicyTooLarge"), SessionTooLarge, 1),
        (error(400, "ValidationError", "1 validation error detected"), SessionRefused, 1),
        (
            error(
                400, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set."
            ),
            RoleMaximumExceeded,
            1,
        ),
        (
            error(
                400, "ValidationError", "exceeds the 1 hour session limit for roles assumed by role chaining."
            ),
            RoleMaximumExceeded,
            1,
        ),
        (error(400, "Some thing\nstrange"), AwsRefused, 1),
        (answer(200, b"It works!\x00\xff"), AwsRefused, 1),
        (answer(200, b""), AwsRefused, 1),
        (answer(200, b"<AssumeRoleResponse/>"), AwsRefused, 1),
        (answer(302, b"", "text/html"), AwsRefused, 1),
        (answer(200, b"<!DOCTYPE x [<!ENTITY e 'e'>]><x>&e;</x>"), AwsRefused, 1),
        (session(SessionToken="a" * 100_000), AwsRefused, 1),
        (session(AccessKeyId=""), AwsRefused, 1),
        (session(AccessKeyId="no key"), AwsRefused, 1),
        (session(SecretAccessKey=""), AwsRefused, 1),
        (session(SessionToken=""), AwsRefused, 1),
        (session(Expiration=""), AwsRefused, 1),
        (session(Expiration="tomorrow"), AwsRefused, 1),
        (session(Expiration="2026-11-24T13:00:00"), AwsRefused, 1),
        (session(holder=""), AwsRefused, 1),
        (session(holder=f"{HOLDER}/noor@example.com"), AwsRefused, 1),
        (session(holder="{asked}2"), AwsRefused, 1),
        (session(holder=f"{HOLDER}2/dana@example.com"), AwsRefused, 1),
        (session(holder=HOLDER.replace("123", "321") + "/dana@example.com"), AwsRefused, 1),
    ],
)
def test_each_aws_response_maps_to_its_error(
    broker: AwsBroker, stub: StubAws, script: Script, kind: type[AwsError], calls: int
) -> None:
    stub.play(script)

    with pytest.raises(AwsError) as refused:
        broker.assume(SESSION, attributed=True, deadline=SOON)

    assert type(refused.value) is kind
    assert len(stub.requests) == calls
    assert refused.value.reason.endswith((".", ")"))
    assert not any(canary in repr(refused.value) for canary in CANARIES)
    assert "strange" not in refused.value.reason


def test_a_throttled_call_is_retried_with_backoff(
    broker: AwsBroker, stub: StubAws, waits: FakeTiming
) -> None:
    stub.play(error(400, "Throttling"), error(500, "InternalFailure"), session())

    credentials = broker.assume(SESSION, attributed=True, deadline=SOON)

    assert credentials.access_key_id == "ASIAEXAMPLEEXAMPLE12"
    assert waits.waits == [0.1, 0.2]


def test_no_retry_waits_beyond_the_deadline(broker: AwsBroker, stub: StubAws, waits: FakeTiming) -> None:
    stub.play(error(400, "Throttling"))

    with pytest.raises(AwsThrottled):
        broker.assume(SESSION, attributed=True, deadline=Deadline(waits.now + 0.15))

    assert len(stub.requests) == 2


def test_no_request_is_sent_after_the_deadline(broker: AwsBroker, stub: StubAws, waits: FakeTiming) -> None:
    stub.play(session())

    with pytest.raises(AwsUnavailable):
        broker.assume(SESSION, attributed=True, deadline=Deadline(waits.now))

    assert stub.requests == []


def test_a_response_after_the_deadline_is_not_waited_for(stub: StubAws) -> None:
    broker = connected(aws_config(stub.url), session=OwnKeys().session())
    stub.play(stub.late(session()))

    with pytest.raises(AwsUnavailable):
        broker.assume(SESSION, attributed=True, deadline=Deadline(time.monotonic() + 0.4))


def test_a_response_that_arrives_byte_by_byte_is_abandoned_at_the_deadline(stub: StubAws) -> None:
    broker = connected(aws_config(stub.url), session=OwnKeys().session())
    stub.play(stub.drip)

    # The complete response would be another error: it is not a valid one.
    with pytest.raises(AwsUnavailable):
        broker.assume(SESSION, attributed=True, deadline=Deadline(time.monotonic() + 0.4))


def test_a_role_path_is_accepted_although_the_session_arn_lacks_it(broker: AwsBroker, stub: StubAws) -> None:
    stub.play(session())
    role_arn = ROLE.replace(":role/", ":role/teams/shop/")

    credentials = broker.assume(replace(SESSION, role_arn=role_arn), attributed=True, deadline=SOON)

    assert credentials.access_key_id == "ASIAEXAMPLEEXAMPLE12"


def test_a_role_maximum_is_read_from_iam(broker: AwsBroker, stub: StubAws) -> None:
    role = b"<Role><MaxSessionDuration>7200</MaxSessionDuration></Role>"
    stub.play(answer(200, b"<GetRoleResponse><GetRoleResult>" + role + b"</GetRoleResult></GetRoleResponse>"))

    maximum = broker.role_maximum(ROLE, SOON)

    assert maximum == timedelta(hours=2)
    assert stub.requests[0]["RoleName"] == "duploservices-dev01"


@pytest.mark.parametrize(
    "script", [error(403, "AccessDenied"), error(404, "NoSuchEntity"), answer(200, b"x"), reset]
)
def test_a_role_maximum_that_cannot_be_read_is_unknown(
    broker: AwsBroker, stub: StubAws, script: Script
) -> None:
    stub.play(script)

    assert broker.role_maximum(ROLE, SOON) is None


def test_a_role_of_another_account_is_not_looked_up(broker: AwsBroker, stub: StubAws) -> None:
    stub.play(error(500, "InternalFailure"))

    assert broker.role_maximum("arn:aws:iam::999999999999:role/duploservices-dev01", SOON) is None
    assert stub.requests == []


def test_a_connection_is_reused_until_the_peer_closes_it(broker: AwsBroker, stub: StubAws) -> None:
    came_from: list[int] = []

    def answering(*, last: bool) -> Script:
        def script(handler: BaseHTTPRequestHandler) -> None:
            came_from.append(handler.client_address[1])
            session()(handler)
            handler.close_connection = last

        return script

    stub.play(answering(last=False), answering(last=True), answering(last=False))
    for _ in range(2):
        broker.assume(SESSION, attributed=True, deadline=SOON)
    broker.assume(SESSION, attributed=True, deadline=SOON)

    first, second, third = came_from
    assert first == second != third
    assert len(stub.requests) == 3


CANONICAL = "The request signature does not match. x-amz-security-token:OWN-TOKEN-CANARY"


@pytest.mark.parametrize(
    ("script", "cause"),
    [
        (
            error(403, "AccessDenied", "User: arn:aws:iam::1:user/p is not\nauthorized to assume"),
            "{url} answered AccessDenied: User: arn:aws:iam::1:user/p is not; authorized to assume",
        ),
        (error(403, "SignatureDoesNotMatch", CANONICAL), "{url} answered SignatureDoesNotMatch"),
        (error(400, "ValidationError", "SECRET-KEY-CANARY"), "{url} answered ValidationError"),
        (
            error(403, "AccessDenied", "AKIAIOSFODNN7EXAMPLE \x7f"),
            "{url} answered AccessDenied: AKIA[redacted]",
        ),
        (answer(502, b"<html>"), "{url} answered status 502"),
        (answer(200, b"<html>"), "{url} answered status 200 without a result"),
        (reset, "{url}: ConnectionResetError: [Errno 104] Connection reset by peer"),
    ],
    ids=["refusal", "signature", "parameter", "key", "bad gateway", "no XML", "reset"],
)
def test_a_failure_has_the_endpoint_s_words_as_the_operator_s_cause_without_secrets(
    broker: AwsBroker, stub: StubAws, script: Script, cause: str
) -> None:
    stub.play(*[script] * 4)

    with pytest.raises(AwsError) as refused:
        broker.assume(SESSION, attributed=True, deadline=SOON)

    assert refused.value.cause is not None
    assert refused.value.cause.rstrip("\N{REPLACEMENT CHARACTER} ") == cause.format(url=f"{stub.url}/")
