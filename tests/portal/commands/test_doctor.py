"""`daypass portal doctor` when AWS or a check fails: the other findings are still printed."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from daypass.portal.diagnostics.finding import Finding, Level, run_check
from daypass.portal.errors import AwsThrottled, StorageUnavailable
from daypass.portal.storage.engine import Database
from daypass.portal.tenants.model import Tenant, TenantId
from daypass.portal.tenants.store import TenantStore
from tests.fakes import NOON
from tests.portal.aws.stub import StubAws, error, identity
from tests.portal.processes import Operator

UNREACHABLE = {
    "nothing listens": ("http://127.0.0.1:{port}", {}, "Connection refused"),
    "the name is unknown": ("http://nowhere.invalid", {}, "not known"),
    "another protocol": ("https://{listening}", {}, "AWS could not be reached"),
    "the proxy is away": (
        "http://sts.invalid",
        {"HTTP_PROXY": "http://user:canary@127.0.0.1:{port}"},
        "the proxy http://127.0.0.1",
    ),
    "the proxy is of another kind": ("http://sts.invalid", {"HTTP_PROXY": "socks5://x"}, "socks5"),
    "no credentials": ("http://sts.invalid", {"AWS_ACCESS_KEY_ID": ""}, "no AWS credentials"),
}


def findings_of(operator: Operator, **variables: str) -> tuple[int, list[dict[str, Any]]]:
    ended = operator.run_inside("doctor", "--format", "json", **variables)
    assert ended.stderr == ""
    assert "canary" not in ended.stdout
    return ended.returncode, json.loads(ended.stdout)["findings"]


@pytest.fixture
def misplaced(operator: Operator) -> Operator:
    """An operator with a tenant whose region does not exist."""
    operator.run_inside("migrate")
    database = Database(operator.environment["DAYPASS_DATABASE_URL"])
    with database.writing() as connection:
        role = "arn:aws:iam::123456789012:role/duploservices-dev01"
        TenantStore(connection).add(
            Tenant.with_role(TenantId("dev-id"), "dev01", "us-est-1", role, None), NOON
        )
    database.close()
    return operator


@pytest.mark.parametrize("what", UNREACHABLE)
def test_without_aws_all_other_findings_are_printed_and_the_endpoint_is_named(
    misplaced: Operator, own_aws: StubAws, what: str
) -> None:
    url, variables, cause = UNREACHABLE[what]
    # A port that is bound but does not listen.
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        places = {"port": bound.getsockname()[1], "listening": own_aws.url.partition("://")[2]}
        url = url.format(**places)
        variables = {name: value.format(**places) for name, value in variables.items()}

        code, findings = findings_of(misplaced, DAYPASS_AWS_ENDPOINT_URL=url, **variables)

    assert code == 2
    assert {"database_profile", "region"} <= {finding["code"] for finding in findings}
    (aws,) = (finding for finding in findings if finding["code"] == "aws")
    assert (aws["level"], aws["subject"]) == ("error", "AWS")
    assert f"The endpoint is {url}." in aws["sentence"]
    assert cause in aws["sentence"]
    assert url in aws["patch"]


def test_a_refusal_of_aws_is_a_finding(misplaced: Operator, own_aws: StubAws) -> None:
    own_aws.play(error(403, "InvalidClientTokenId"))

    code, findings = findings_of(misplaced)

    assert code == 2
    (aws,) = (finding for finding in findings if finding["code"] == "aws")
    assert "InvalidClientTokenId" in aws["sentence"]
    assert aws["patch"].startswith("aws sts get-caller-identity")


def test_a_failed_check_does_not_stop_the_others(
    operator: Operator, postgres_url: str, own_aws: StubAws
) -> None:
    operator.run_inside("migrate", DAYPASS_DATABASE_URL=postgres_url)
    database = Database(postgres_url)
    with database.writing() as connection:
        connection.execute(text("ALTER TABLE tenants RENAME TO elsewhere"))
    database.close()
    own_aws.play(identity())

    code, findings = findings_of(operator, DAYPASS_DATABASE_URL=postgres_url)

    codes = [finding["code"] for finding in findings]
    assert code == 1
    assert {"database_profile", "audit_privileges", "identity", "tenants"} <= set(codes)
    assert "elsewhere" not in str(findings)


def broken(fault: Exception) -> Iterator[Finding]:
    yield Finding("x", Level.FINE, "portal", "well")
    raise fault


@pytest.mark.parametrize(
    ("fault", "level", "sentence"),
    [
        (KeyError("canary"), Level.ERROR, f"KeyError in {__name__}, line "),
        (StorageUnavailable("short", cause="SQLite at /x: locked"), Level.ERROR, "SQLite at /x: locked"),
        (AwsThrottled("AWS asks for a pause."), Level.WARNING, "AWS asks for a pause."),
    ],
)
def test_a_check_that_raises_becomes_a_finding(fault: Exception, level: Level, sentence: str) -> None:
    well, failed = run_check("code", "subject", lambda: broken(fault))

    assert well.level is Level.FINE
    assert (failed.code, failed.level, failed.subject) == ("code", level, "subject")
    assert sentence in failed.sentence
    assert "canary" not in failed.sentence
