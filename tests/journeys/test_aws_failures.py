"""Messages and exit codes when AWS fails or refuses."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import delete

from daypass.demo.http_client import Answer
from daypass.portal.clock import utc_now
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.tenants import tenants
from daypass.portal.tenants.model import Tenant, TenantId
from daypass.portal.tenants.store import TenantStore
from tests.fixtures.demo import Demo
from tests.journeys.terminal import Done, Terminal

ADMIN = "admin@example.com"
CANNOT_NOW, SET_UP_WRONGLY = 5, 6


@pytest.fixture
def terminal(troubled: Demo, tmp_path: Path) -> Terminal:
    """A terminal beside the demo whose AWS may be troubled."""
    return Terminal(troubled, tmp_path)


def ask(terminal: Terminal, tenant: str) -> tuple[Answer, Done]:
    """Ask for the same through our API and through the CLI."""
    answer = terminal.demo.visitor(terminal.demo.token(ADMIN)).session(tenant=tenant)
    return answer, terminal.daypass(ADMIN, "--tenant", tenant)


def assert_same_refusal(answer: Answer, done: Done, *, status: int, code: str, exit_code: int) -> None:
    assert (answer.status, answer.body["code"]) == (status, code), answer.body
    assert done.returncode == exit_code, done.stderr
    # The reason reaches the person at the terminal, and nothing reaches the program that asked for keys.
    assert answer.body["detail"] in done.stderr
    assert done.stdout == ""


@contextmanager
def added_tenant(terminal: Terminal, name: str) -> Iterator[str]:
    """Add a tenant that only the portal knows, for a while; yields the name that its role should have."""
    role = f"duploservices-{name}"
    role_arn = terminal.demo.tenants["dev01"]["role_arn"].replace("duploservices-dev01", role)
    tenant = Tenant.with_role(TenantId(name), name, terminal.demo.ready["region"], role_arn, None)
    database = Database(f"sqlite:///{terminal.demo.folder / 'daypass.db'}")
    with database.writing() as connection:
        TenantStore(connection).add(tenant, utc_now())
    try:
        yield role
    finally:
        # Other tests of the same demo count its tenants.
        with database.writing() as connection:
            connection.execute(delete(tenants).where(tenants.c.id == name))
        database.close()


def add_role(terminal: Terminal, name: str, principal: str, *actions: str) -> None:
    """A role whose trust policy lets *principal* do *actions*, and no other principal anything."""
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": actions}
    terminal.demo.root.iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )


@pytest.mark.parametrize(
    ("kind", "code"),
    [("throttle", "aws_throttled"), ("reset", "aws_unavailable"), ("error", "aws_unavailable")],
)
def test_a_temporary_failure_of_sts_is_reported_as_temporary(
    terminal: Terminal, kind: str, code: str
) -> None:
    terminal.demo.control.add_fault(kind, "sts", "AssumeRole")

    answer, done = ask(terminal, "dev01")

    assert_same_refusal(answer, done, status=503, code=code, exit_code=CANNOT_NOW)


def test_a_single_throttled_call_is_retried_without_an_error(terminal: Terminal) -> None:
    terminal.demo.control.add_fault("throttle", "sts", "AssumeRole", count=1)

    answer, done = ask(terminal, "dev01")

    assert answer.status == 201
    assert done.returncode == 0


def test_cached_keys_are_returned_while_sts_is_unavailable(terminal: Terminal) -> None:
    kept = terminal.daypass(ADMIN, "--tenant", "dev01")
    terminal.demo.control.add_fault("reset", "sts")

    again = terminal.daypass(ADMIN, "--tenant", "dev01")

    assert again.stdout == kept.stdout != ""


def test_a_role_that_does_not_exist_is_named(terminal: Terminal) -> None:
    with added_tenant(terminal, "ghost01") as role:
        answer, done = ask(terminal, "ghost01")

        assert_same_refusal(answer, done, status=502, code="aws_trust", exit_code=SET_UP_WRONGLY)
        assert role in answer.body["detail"]


def test_a_role_that_does_not_trust_the_portal_is_named(terminal: Terminal) -> None:
    with added_tenant(terminal, "wary01") as role:
        add_role(terminal, role, "arn:aws:iam::111122223333:user/somebody-else", "sts:AssumeRole")

        answer, done = ask(terminal, "wary01")

        assert_same_refusal(answer, done, status=502, code="aws_trust", exit_code=SET_UP_WRONGLY)
        assert role in answer.body["detail"]


def test_a_role_that_refuses_identity_and_tags_gives_plain_keys(terminal: Terminal) -> None:
    with added_tenant(terminal, "plain01") as role:
        add_role(terminal, role, "arn:aws:iam::111122223333:user/daypass-portal", "sts:AssumeRole")

        answer, done = ask(terminal, "plain01")

        assert answer.status == 201, answer.body
        assert done.returncode == 0, done.stderr
