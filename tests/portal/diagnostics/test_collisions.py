"""Tests of the doctor's findings on tenants whose names overlap."""

import json
import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from daypass.portal.accounts.registry import Accounts
from daypass.portal.diagnostics.doctor import Doctor
from daypass.portal.diagnostics.finding import Finding, Level
from daypass.portal.storage.engine import Database
from daypass.portal.tenants.model import Tenant, TenantId
from daypass.portal.tenants.store import TenantStore
from tests.fakes import NOON, FakeBroker, FakeClock
from tests.portal.diagnostics.test_doctor import ACCOUNT, Iam, iam, roles_of

__all__ = ["iam"]


@pytest.fixture
def doctor(sqlite_url: str, iam: Iam) -> Iterator[Doctor]:
    database = Database(sqlite_url)
    with database.writing() as connection:
        for name in ("dev01", "dev01-x", "dev012"):
            role_arn = ACCOUNT.role_arn(f"duploservices-{name}")
            tenant = Tenant.with_role(TenantId(name), name, "us-west-2", role_arn, None)
            TenantStore(connection).add(tenant, NOON)
    yield Doctor(database, Accounts(ACCOUNT), FakeBroker(), roles_of(iam), FakeClock())
    database.close()


def collisions(doctor: Doctor) -> list[Finding]:
    return [finding for finding in doctor.examine() if finding.code == "collision"]


def test_a_tenant_whose_name_overlaps_with_a_longer_one_comes_with_the_denies(
    doctor: Doctor, iam: Iam
) -> None:
    (finding,) = collisions(doctor)

    assert (finding.level, finding.subject) == (Level.WARNING, "dev01")
    assert "dev01-x (duploservices-dev01-x-…)" in finding.sentence
    words = shlex.split(finding.patch)
    assert words[:5] == ["aws", "iam", "put-role-policy", "--role-name", "duploservices-dev01"]

    denies: Any = json.loads(words[-1])
    iam.policies[f"duploservices-dev01/{words[words.index('--policy-name') + 1]}"] = denies
    assert collisions(doctor) == []

    denies["Statement"][0]["Resource"].pop()
    assert len(collisions(doctor)) == 1


def test_a_role_whose_policies_cannot_be_read_is_a_finding(doctor: Doctor, iam: Iam) -> None:
    iam.may_read_policies = False

    (finding,) = collisions(doctor)

    assert (finding.level, finding.subject, finding.patch) == (Level.WARNING, "dev01", "")
    assert "iam:GetRolePolicy" in finding.sentence
