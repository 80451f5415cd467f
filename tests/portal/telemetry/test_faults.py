"""Errors of AWS and of the database count by class."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, text

from daypass.portal.access.broker import Deadline
from daypass.portal.aws.broker import AwsBroker
from daypass.portal.aws.errors import count_errors, error_for_code
from daypass.portal.aws.iam_errors import classified
from daypass.portal.aws.transport.backoff import Timing
from daypass.portal.errors import AwsError, StorageUnavailable
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.identity import users
from daypass.portal.telemetry.metrics import AWS_ERRORS
from tests.fakes import NOON
from tests.portal.aws.conftest import OwnKeys, aws_config, connected
from tests.portal.aws.stub import FakeTiming, Script, StubAws, answer, error, session
from tests.portal.aws.test_assume_role import SESSION
from tests.portal.telemetry.recorded import Recorded

SOON, SHORT = Deadline(1008.0), timedelta(milliseconds=200)


@pytest.fixture
def stub() -> Iterator[StubAws]:
    created = StubAws()
    yield created
    created.stop()


@pytest.fixture
def broker(stub: StubAws) -> AwsBroker:
    waits = FakeTiming()
    timing = Timing(monotonic=waits.monotonic, sleep=waits.sleep, random=lambda: 0.5)
    return connected(aws_config(stub.url), session=OwnKeys().session(), timing=timing)


@pytest.mark.parametrize(
    ("scripts", "counted"),
    [
        ([session()], {}),
        (
            [error(400, "Throttling"), error(500, "InternalFailure"), session()],
            {"throttled": 1, "unavailable": 1},
        ),
        ([error(400, "Throttling")] * 3, {"throttled": 3}),
        ([error(403, "AccessDenied")], {"trust": 1}),
        ([error(403, "InvalidClientTokenId")], {"misconfigured": 1}),
        ([error(400, "Anything")], {"refused": 1}),
        ([answer(200, b"<html>")], {"refused": 1}),
    ],
)
def test_each_failed_call_to_sts_counts(
    recorded: Recorded, broker: AwsBroker, stub: StubAws, scripts: Sequence[Script], counted: dict[str, int]
) -> None:
    stub.play(*scripts)

    try:
        broker.assume(SESSION, attributed=False, deadline=SOON)
    except AwsError:
        assert counted

    assert recorded.changes("daypass_aws_errors_total") == {
        frozenset({("service", "sts"), ("code", f"aws_{name}")}): number for name, number in counted.items()
    }


def test_a_failed_console_link_counts_as_an_error_of_signin(
    recorded: Recorded, broker: AwsBroker, stub: StubAws
) -> None:
    stub.play(session(), answer(429, b"{}"), answer(200, b'{"SigninToken": "x"}', "application/json"))
    credentials = broker.assume(SESSION, attributed=False, deadline=SOON)

    broker.console_url(credentials, "https://example.com/", SOON)

    assert recorded.change("daypass_aws_errors_total", service="signin", code="aws_throttled") == 1


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (ClientError({"Error": {"Code": "AccessDenied"}}, "GetRole"), "aws_not_allowed"),
        (ClientError({"Error": {"Code": "NoSuchEntity"}}, "GetRole"), "role_not_found"),
        (EndpointConnectionError(endpoint_url="https://iam.example.com"), "aws_unavailable"),
    ],
)
def test_a_failed_call_to_iam_counts(recorded: Recorded, failure: Exception, code: str) -> None:
    with pytest.raises(AwsError), classified("read the role x", "iam:GetRole"):
        raise failure

    assert recorded.change("daypass_aws_errors_total", service="iam", code=code) == 1


@settings(max_examples=50)
@given(st.text())
def test_no_answer_of_aws_makes_a_new_label(code: str) -> None:
    with pytest.raises(AwsError) as raised, count_errors("sts"):
        raise error_for_code(code, "", "arn")

    assert raised.value.code in AWS_ERRORS.labels["code"]


def test_a_database_that_cannot_be_opened_counts_as_unavailable(recorded: Recorded, tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/missing/daypass.db")

    with pytest.raises(StorageUnavailable), database.reading():
        pass

    assert recorded.changes("daypass_database_errors_total") == {frozenset({("class", "unavailable")}): 1}


def test_a_pool_without_a_free_connection_counts(recorded: Recorded, database_url: str) -> None:
    database = Database(database_url, connections=1, patience=SHORT)

    with database.reading(), pytest.raises(StorageUnavailable), database.reading():
        pass

    database.close()
    assert recorded.changes("daypass_database_errors_total") == {frozenset({("class", "pool_exhausted")}): 1}


def test_a_lock_that_is_held_too_long_counts(recorded: Recorded, postgres_url: str) -> None:
    holder, short = Database(postgres_url), Database(postgres_url, patience=SHORT)
    with holder.writing() as first:
        first.execute(text("LOCK TABLE users"))
        with pytest.raises(StorageUnavailable), short.writing() as second:
            second.execute(insert(users), {"id": "1", "username": "u", "role": "User", "created_at": NOON})

    holder.close()
    short.close()
    assert recorded.changes("daypass_database_errors_total") == {frozenset({("class", "lock_timeout")}): 1}


@pytest.mark.parametrize("state", ["40001", "40P01"])
def test_a_serialization_failure_and_a_deadlock_count_as_conflicts(
    recorded: Recorded, postgres_url: str, state: str
) -> None:
    database = Database(postgres_url, connections=1)

    with pytest.raises(StorageUnavailable), database.writing() as connection:
        connection.execute(text(f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{state}'; END $$"))

    database.close()
    assert recorded.changes("daypass_database_errors_total") == {frozenset({("class", "conflict")}): 1}
