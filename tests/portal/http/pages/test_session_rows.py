"""The text for each limit that can decide a session's duration."""

from dataclasses import replace
from datetime import timedelta

import pytest

from daypass.portal.access.model import Channel, IssuanceId, IssuanceRecord, LimitSource, Purpose, State
from daypass.portal.http.core.duration_text import reason
from daypass.portal.http.pages.session_rows import rows
from daypass.portal.identity.scopes import ScopeKind
from daypass.portal.tenants.model import Access, TenantId
from tests.fakes import NOON


def record(decided_by: LimitSource, scope: ScopeKind) -> IssuanceRecord:
    return IssuanceRecord(
        id=IssuanceId("1"),
        username="dana@example.com",
        tenant_id=None if scope is ScopeKind.ADMIN else TenantId("1"),
        tenant_name=None if scope is ScopeKind.ADMIN else "dev01",
        scope=scope,
        role_arn="",
        access=Access.FULL,
        purpose=Purpose.KEYS,
        channel=Channel.API,
        address="",
        reason="",
        state=State.ISSUED,
        failure=None,
        asked_at=NOON,
        validity=timedelta(hours=1),
        decided_by=decided_by,
        expires_at=NOON + timedelta(hours=1),
        access_key_id=None,
        is_attributed=True,
    )


@pytest.mark.parametrize("scope", [ScopeKind.ADMIN, ScopeKind.TENANT])
def test_each_limit_has_a_text_of_its_own(scope: ScopeKind) -> None:
    shown = rows([record(source, scope) for source in LimitSource], NOON)

    assert len({row.because for row in shown}) == len(LimitSource)
    assert len({row.why for row in shown}) == len(LimitSource)
    assert {row.scope for row in shown} == {"Admin" if scope is ScopeKind.ADMIN else "dev01"}


def test_a_session_that_its_entitlement_limited_says_so() -> None:
    [row] = rows([record(LimitSource.ENTITLEMENT, ScopeKind.TENANT)], NOON)

    assert (row.because, row.why) == ("end of the access", "the end of your access")
    assert reason(LimitSource.ENTITLEMENT, is_admin=True) == "the end of your access"


def test_a_session_of_a_workload_shows_its_claims_and_the_limit_of_its_rule() -> None:
    of_workload = replace(
        record(LimitSource.CONFIGURED, ScopeKind.TENANT),
        session_tags={"daypass:claim:run": "1001", "daypass:claim:repository": "acme/shop"},
        workload_rule="shop",
        is_limited_by_rule=True,
    )

    [row] = rows([of_workload], NOON)

    assert row.claims == (("repository", "acme/shop"), ("run", "1001"))
    assert (row.because, row.why) == ("limit of the workload rule", "the session limit of the workload rule")
