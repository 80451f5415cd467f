"""Issuing JIT access on a real database and a real audit log."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from threading import Event, Thread

import pytest
from sqlalchemy import Connection, select, update

from daypass.portal.access.duration import RESPONSE_MARGIN
from daypass.portal.access.model import Channel, LimitSource, Purpose, SessionRequest
from daypass.portal.errors import (
    AccessDenied,
    AwsMisconfigured,
    AwsRefused,
    AwsThrottled,
    AwsTrustRefused,
    AwsUnavailable,
    InvalidDuration,
    InvalidRequest,
    JitDisabled,
    PortalError,
    SignInAgain,
    TenantNotFound,
    Unauthenticated,
)
from daypass.portal.identity.model import ApiToken, Role, TokenId, TokenKind
from daypass.portal.identity.scopes import ADMIN_SCOPE, TENANTS_AND_ADMIN, Scope
from daypass.portal.identity.store.tokens import add_token, revoke_token
from daypass.portal.permission_sets.model import READ_ONLY
from daypass.portal.settings.registry import (
    ADMIN_JIT_SESSION_DURATION,
    DISABLE_NON_ADMIN_JIT,
    ENABLE_ADMIN_JIT_ON_UI,
    TENANT_VALIDITY,
)
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.audit import audit_events
from daypass.portal.storage.schema.identity import api_tokens, users
from daypass.portal.tenants import store as tenant_store
from daypass.portal.tenants.model import Access
from tests.fakes import NOON
from tests.portal.access.conftest import ADMIN, DANA, DEV, MASTER, PROD, Rig, caller, token_of
from tests.portal.storage.blocked import await_blocked
from tests.rows import disable_user

HOUR = timedelta(hours=1)
BOTH = SessionRequest(Scope.of_tenant("dev01"), purpose=Purpose.BOTH)
CONSOLE = SessionRequest(Scope.of_tenant("dev01"), purpose=Purpose.CONSOLE)


def ask_for(duration: timedelta) -> SessionRequest:
    return SessionRequest(Scope.of_tenant("dev01"), duration=duration)


def test_a_member_gets_credentials_for_their_tenant(rig: Rig) -> None:
    issuance = rig.issue(DANA, "dev01")

    assert issuance.user == DANA
    assert issuance.tenant == DEV
    assert issuance.role_arn == DEV.target.role_arn
    assert issuance.region == "eu-west-1"
    assert issuance.session_name == "dana@example.com"
    assert issuance.access is Access.FULL
    assert issuance.issued_at == NOON
    assert issuance.expires_at == NOON + HOUR
    assert issuance.credentials == rig.broker.issued_credentials[0]
    assert issuance.is_attributed
    assert issuance.console_url is None


def test_the_aws_session_is_described_by_stored_data_only(rig: Rig) -> None:
    issuance = rig.issue(DANA, "dev01")

    [(session, attributed)] = rig.broker.assumed
    assert attributed
    assert session.role_arn == DEV.target.role_arn
    assert session.external_id == "dev01-external"
    assert session.session_name == "dana@example.com"
    assert session.source_identity == DANA.id
    assert session.tags == {"daypass:issuance": issuance.id, "daypass:tenant": "dev01"}
    assert session.duration == HOUR


def test_a_tenant_can_be_requested_by_its_id(rig: Rig) -> None:
    assert rig.issue(DANA, DEV.id).tenant == DEV


def test_a_read_only_member_gets_a_read_only_session(rig: Rig) -> None:
    assert rig.issue(DANA, "prod01").access is Access.READ_ONLY
    assert rig.broker.assumed[0][0].permission_set is READ_ONLY


def test_an_administrator_gets_full_access_to_every_tenant_and_the_master_role(rig: Rig) -> None:
    assert rig.issue(ADMIN, "data01").access is Access.FULL

    issuance = rig.issue(ADMIN, SessionRequest(ADMIN_SCOPE))

    assert issuance.tenant is None
    assert issuance.role_arn == MASTER
    assert issuance.region == "us-west-2"
    assert rig.broker.assumed[1][0].tags == {"daypass:issuance": issuance.id}
    assert [row["scope"] for row in rig.rows() if row["id"] == issuance.id] == ["admin"]


def test_the_issuance_row_has_user_tenant_time_and_the_deciding_limit(rig: Rig) -> None:
    issuance = rig.issue(
        DANA, SessionRequest(Scope.of_tenant("dev01"), duration=timedelta(minutes=20), reason="look at logs")
    )

    [row] = rig.rows()
    assert row["id"] == issuance.id
    assert row["user_id"] == DANA.id
    assert row["username"] == "dana@example.com"
    assert row["tenant_id"] == DEV.id
    assert row["tenant_name"] == "dev01"
    assert row["role_arn"] == DEV.target.role_arn
    assert row["access"] == "full"
    assert row["door"] == "api"
    assert row["address"] == "192.0.2.7"
    assert row["reason"] == "look at logs"
    assert row["state"] == "issued"
    assert row["asked_at"] == NOON
    assert row["validity"] == 1200
    assert row["decided_by"] == "asked"
    assert row["expires_at"] == NOON + timedelta(minutes=20)
    assert row["access_key_id"] == issuance.credentials.access_key_id
    assert row["is_attributed"] is True
    assert rig.outcomes() == ["requested", "issued"]


def test_the_intent_is_durable_before_aws_is_called(rig: Rig) -> None:
    seen: list[str] = []
    rig.broker.during_assume = lambda: seen.extend(rig.states() + rig.outcomes())

    rig.issue(DANA, "dev01")

    assert seen == ["requested", "requested"]


def test_no_transaction_is_open_during_the_aws_call(rig: Rig) -> None:
    # SQLite has one writer at a time, so this write would fail if the issuer held a transaction open.
    rig.broker.during_assume = lambda: rig.set(TENANT_VALIDITY, "7200", DEV)

    rig.issue(DANA, "dev01")

    assert rig.issue(DANA, "dev01").validity.duration == timedelta(seconds=7200)


@pytest.mark.parametrize(
    ("ask", "channel", "refusal"),
    [
        (SessionRequest(Scope.of_tenant("data01")), Channel.API, TenantNotFound),
        (SessionRequest(Scope.of_tenant("nowhere")), Channel.API, TenantNotFound),
        (SessionRequest(Scope.of_tenant("")), Channel.LEGACY, TenantNotFound),
        (SessionRequest(Scope.of_tenant("x" * 300)), Channel.WEB, TenantNotFound),
        (SessionRequest(Scope.of_tenant("nul\x00and\ud800half")), Channel.API, TenantNotFound),
        (SessionRequest(ADMIN_SCOPE), Channel.API, AccessDenied),
        (ask_for(timedelta(seconds=899)), Channel.API, InvalidDuration),
        (ask_for(timedelta(seconds=43201)), Channel.API, InvalidDuration),
        (
            SessionRequest(
                Scope.of_tenant("dev01"), purpose=Purpose.CONSOLE, destination="https://evil.example"
            ),
            Channel.WEB,
            InvalidRequest,
        ),
    ],
    ids=[
        "foreign tenant",
        "unknown tenant",
        "empty name",
        "long name",
        "unprintable name",
        "admin access",
        "duration too short",
        "duration too long",
        "foreign console page",
    ],
)
def test_a_denied_request_is_recorded_and_never_reaches_aws(
    rig: Rig, ask: SessionRequest, channel: Channel, refusal: type[PortalError]
) -> None:
    with pytest.raises(refusal):
        rig.issue(DANA, ask, channel=channel)

    assert rig.broker.assumed == []
    assert rig.outcomes() == ["denied"]
    [row] = rig.rows()
    assert row["state"] == "denied"
    assert row["failure"] == refusal.code


def test_the_event_of_a_request_for_a_tenant_without_a_name_is_not_of_admin_scope(rig: Rig) -> None:
    with pytest.raises(TenantNotFound):
        rig.issue(DANA, SessionRequest(Scope.of_tenant("")))

    with rig.database.reading() as connection:
        (detail,) = connection.scalars(
            select(audit_events.c.detail).where(audit_events.c.action == "session.issue")
        )
    assert json.loads(detail)["scope"] == ""


def test_a_users_history_does_not_reveal_whether_a_foreign_tenant_exists(rig: Rig) -> None:
    for name in ("data01", "data99"):
        with pytest.raises(TenantNotFound):
            rig.issue(DANA, name)

    foreign, unknown = (dict(row) for row in rig.rows())
    assert foreign.pop("tenant_name") != unknown.pop("tenant_name")
    assert foreign.pop("id") != unknown.pop("id")
    assert foreign == unknown


def test_disabling_non_admin_access_applies_to_every_channel(rig: Rig) -> None:
    rig.set(DISABLE_NON_ADMIN_JIT, "true")

    for channel in Channel:
        with pytest.raises(JitDisabled):
            rig.issue(DANA, "dev01", channel=channel)
        rig.issue(ADMIN, "dev01", channel=channel)


def test_the_flag_for_admin_access_applies_to_the_web_channel_only(rig: Rig) -> None:
    with pytest.raises(JitDisabled):
        rig.issue(ADMIN, SessionRequest(ADMIN_SCOPE), channel=Channel.WEB)
    rig.issue(ADMIN, SessionRequest(ADMIN_SCOPE), channel=Channel.LEGACY)

    rig.set(ENABLE_ADMIN_JIT_ON_UI, "true")

    rig.issue(ADMIN, SessionRequest(ADMIN_SCOPE), channel=Channel.WEB)


def test_the_configured_duration_applies_per_tenant(rig: Rig) -> None:
    rig.set(TENANT_VALIDITY, "7200", DEV)
    rig.set(ADMIN_JIT_SESSION_DURATION, "1800")

    assert rig.issue(DANA, "dev01").validity.duration == 2 * HOUR
    assert rig.issue(DANA, "prod01").validity.duration == HOUR
    assert rig.issue(ADMIN, SessionRequest(ADMIN_SCOPE)).validity.duration == HOUR / 2
    assert rig.issue(DANA, "dev01").validity.deciding_limit.label == "AWS Access Token Validity"


def test_a_longer_request_is_capped_and_the_deciding_limit_is_reported(rig: Rig) -> None:
    rig.set(TENANT_VALIDITY, "43200", DEV)
    rig.broker.maximum = 2 * HOUR

    validity = rig.issue(DANA, ask_for(4 * HOUR)).validity

    assert validity.duration == 2 * HOUR
    assert validity.deciding_limit.source is LimitSource.ROLE_MAXIMUM
    assert [limit.source for limit in validity.limits] == ["asked", "configured", "role_maximum"]


def test_role_chaining_limits_a_session_to_one_hour(rig: Rig) -> None:
    rig.set(TENANT_VALIDITY, "43200", DEV)
    rig.broker.is_chained = True

    assert rig.issue(DANA, "dev01").validity.duration == HOUR


def test_a_session_of_a_temporary_token_ends_with_the_sign_in(rig: Rig) -> None:
    token = token_of(DANA, NOON + timedelta(minutes=30))

    issuance = rig.issue(DANA, "dev01", token=token)

    assert issuance.validity.deciding_limit.source is LimitSource.SIGN_IN
    assert issuance.expires_at == NOON + timedelta(minutes=30) - RESPONSE_MARGIN


def test_a_sign_in_that_ends_too_soon_must_be_renewed(rig: Rig) -> None:
    with pytest.raises(SignInAgain):
        rig.issue(DANA, "dev01", token=token_of(DANA, NOON + timedelta(seconds=899)))

    assert rig.broker.assumed == []
    assert rig.rows()[0]["failure"] == "sign_in_again"


@pytest.mark.parametrize(
    ("revoke_access", "refusal"),
    [
        (lambda rig: rig.disable(DANA), Unauthenticated),
        (lambda rig: rig.revoke(token_of(DANA)), Unauthenticated),
        (lambda rig: rig.remove_member(DANA, DEV), TenantNotFound),
        (lambda rig: rig.make_read_only(DANA, DEV), AccessDenied),
        (lambda rig: rig.set(DISABLE_NON_ADMIN_JIT, "true"), JitDisabled),
        (lambda rig: rig.set(TENANT_VALIDITY, "1800", DEV), AccessDenied),
        (lambda rig: rig.change_role(DEV, PROD.target.role_arn), AccessDenied),
    ],
    ids=[
        "user disabled",
        "token revoked",
        "member removed",
        "access restricted",
        "JIT disabled",
        "duration lowered",
        "role changed",
    ],
)
def test_credentials_are_not_released_if_access_was_revoked_during_the_aws_call(
    rig: Rig, revoke_access: Callable[[Rig], None], refusal: type[PortalError]
) -> None:
    rig.broker.during_assume = lambda: revoke_access(rig)

    with pytest.raises(refusal):
        rig.issue(DANA, "dev01")

    assert len(rig.broker.issued_credentials) == 1
    [row] = rig.rows()
    assert row["state"] == "failed"
    assert row["failure"] == refusal.code
    assert row["access_key_id"] is None
    assert rig.outcomes() == ["requested", "failed"]


@pytest.mark.parametrize("access", Access)
def test_a_session_of_an_administrator_is_not_released_for_a_membership(rig: Rig, access: Access) -> None:
    rig.add_member(ADMIN, DEV, access)
    rig.broker.during_assume = lambda: rig.demote(ADMIN)

    with pytest.raises(AccessDenied, match="has just been changed"):
        rig.issue(ADMIN, "dev01")

    assert rig.states() == ["failed"]


def test_a_session_of_a_member_is_not_released_for_an_administrator(rig: Rig) -> None:
    rig.broker.during_assume = lambda: rig.promote(DANA)

    with pytest.raises(AccessDenied, match="has just been changed"):
        rig.issue(DANA, "dev01")

    assert rig.states() == ["failed"]


def test_an_additional_weaker_entitlement_does_not_stop_a_release(rig: Rig) -> None:
    rig.broker.during_assume = lambda: rig.add_member(ADMIN, DEV, Access.FULL)

    rig.issue(ADMIN, "dev01")

    assert rig.states() == ["issued"]


def disable(connection: Connection) -> None:
    disable_user(connection, DANA.id, NOON)


def revoke(connection: Connection) -> None:
    revoke_token(token_of(DANA).id, owner=DANA.id, at=NOON).apply(connection)


def remove_member(connection: Connection) -> None:
    tenant_store.remove_member(DEV.id, DANA.id).apply(connection)


def make_read_only(connection: Connection) -> None:
    tenant_store.change_member(DEV.id, DANA.id, READ_ONLY).apply(connection)


def promote(connection: Connection) -> None:
    connection.execute(update(users).where(users.c.id == DANA.id).values(role=Role.ADMINISTRATOR))


@pytest.mark.parametrize("revoke_access", [disable, revoke, remove_member, make_read_only, promote])
def test_the_release_waits_for_an_open_revocation_of_another_replica_and_fails(
    rig: Rig, database_url: str, revoke_access: Callable[[Connection], None]
) -> None:
    outcomes: list[str] = []
    is_asked, may_answer = Event(), Event()

    def answer() -> None:
        is_asked.set()
        may_answer.wait(60)

    def ask() -> None:
        try:
            rig.issue(DANA, "dev01")
            outcomes.append("issued")
        except PortalError as refusal:
            outcomes.append(refusal.code)

    rig.broker.during_assume = answer
    issuing = Thread(target=ask)
    issuing.start()
    assert is_asked.wait(60)
    replica = Database(database_url)
    with replica.writing() as connection:
        revoke_access(connection)
        may_answer.set()
        await_blocked(issuing, replica)
    issuing.join()
    replica.close()

    assert outcomes in (["unauthenticated"], ["tenant_not_found"], ["access_denied"])
    assert rig.states() == ["failed"]


def test_a_shorter_session_is_released_although_the_configured_duration_was_lowered(rig: Rig) -> None:
    rig.broker.during_assume = lambda: rig.set(TENANT_VALIDITY, "1800", DEV)

    issuance = rig.issue(DANA, SessionRequest(Scope.of_tenant("dev01"), timedelta(minutes=15)))

    assert issuance.validity.duration == timedelta(minutes=15)


@pytest.mark.parametrize("kind", [TokenKind.BROWSER, TokenKind.TEMPORARY])
def test_signing_out_during_the_aws_call_stops_tokens_of_the_sign_in(rig: Rig, kind: TokenKind) -> None:
    ends_at = NOON + timedelta(hours=12)
    sign_in = ApiToken(TokenId("sign-in"), TokenKind.BROWSER, "", DANA.id, NOON, ends_at, ends_at)
    child = replace(sign_in, id=TokenId("child"), kind=TokenKind.TEMPORARY, parent_id=sign_in.id)
    with rig.database.writing() as connection:
        for token in (sign_in, child):
            add_token(token, token.id.encode()).apply(connection)
    token = sign_in if kind is TokenKind.BROWSER else child
    rig.issue(DANA, "dev01", token=token)

    rig.broker.during_assume = lambda: rig.revoke(sign_in)
    with pytest.raises(Unauthenticated):
        rig.issue(DANA, "dev01", token=token)

    # Sorted, because both have the same timestamp.
    assert sorted(rig.states()) == ["failed", "issued"]


def test_an_approval_without_admin_consent_gets_no_admin_session(rig: Rig) -> None:
    ends_at = NOON + timedelta(hours=12)
    tenant_only = ApiToken(TokenId("approval"), TokenKind.APPROVAL, "", ADMIN.id, NOON, ends_at, ends_at)
    admin_too = replace(tenant_only, id=TokenId("admin"), scopes=TENANTS_AND_ADMIN)
    with rig.database.writing() as connection:
        for token in (tenant_only, admin_too):
            add_token(token, token.id.encode()).apply(connection)

    with pytest.raises(AccessDenied, match="not part of what you authorized"):
        rig.issue(ADMIN, SessionRequest(ADMIN_SCOPE), token=tenant_only)
    rig.issue(ADMIN, "dev01", token=tenant_only)
    rig.issue(ADMIN, SessionRequest(ADMIN_SCOPE), token=admin_too)

    assert sorted(rig.states()) == ["denied", "issued", "issued"]


def test_issuing_updates_the_tokens_last_use(rig: Rig) -> None:
    rig.issue(DANA, "dev01")

    with rig.database.reading() as connection:
        used = connection.execute(select(api_tokens.c.id).where(api_tokens.c.last_used_at == NOON)).scalars()
        assert list(used) == [token_of(DANA).id]


def test_an_administrator_demoted_during_the_aws_call_gets_no_admin_session(rig: Rig) -> None:
    rig.broker.during_assume = lambda: rig.demote(ADMIN)

    with pytest.raises(AccessDenied):
        rig.issue(ADMIN, SessionRequest(ADMIN_SCOPE))

    assert rig.states() == ["failed"]


def test_a_disabled_user_is_refused_without_calling_aws(rig: Rig) -> None:
    rig.disable(DANA)

    with pytest.raises(Unauthenticated):
        rig.issue(DANA, "dev01")

    assert rig.broker.assumed == []


@pytest.mark.parametrize(
    "error",
    [
        AwsTrustRefused("No."),
        AwsThrottled("Later."),
        AwsUnavailable("Away."),
        AwsMisconfigured("Wrong."),
        RuntimeError("a bug"),
    ],
)
def test_an_aws_failure_is_recorded_with_its_error_code(rig: Rig, error: Exception) -> None:
    rig.broker.assume_error = error

    with pytest.raises(type(error)):
        rig.issue(DANA, "dev01")

    assert rig.states() == ["failed"]
    assert rig.rows()[0]["failure"] == getattr(error, "code", "internal")
    assert rig.outcomes() == ["requested", "failed"]


@pytest.mark.parametrize("skew", [timedelta(minutes=6), timedelta(hours=-1), timedelta(days=400)])
def test_a_large_clock_difference_to_aws_fails_the_request(rig: Rig, skew: timedelta) -> None:
    rig.broker.skew = skew

    with pytest.raises(AwsMisconfigured, match="clock"):
        rig.issue(DANA, "dev01")

    assert rig.states() == ["failed"]


@pytest.mark.parametrize(
    ("skew", "reported"),
    [(timedelta(minutes=4), HOUR), (timedelta(minutes=-4), HOUR - timedelta(minutes=4))],
)
def test_a_small_clock_difference_never_lengthens_the_reported_expiry(
    rig: Rig, skew: timedelta, reported: timedelta
) -> None:
    rig.broker.skew = skew

    assert rig.issue(DANA, "dev01").expires_at == NOON + reported


def test_a_console_link_opens_the_requested_page(rig: Rig) -> None:
    ask = SessionRequest(Scope.of_tenant("dev01"), purpose=Purpose.CONSOLE, destination="/s3/buckets/x")

    issuance = rig.issue(DANA, ask)

    assert issuance.console_url is not None
    assert rig.broker.opened_pages == ["https://eu-west-1.console.example/s3/buckets/x"]


def test_if_federation_fails_a_console_request_fails(rig: Rig) -> None:
    rig.broker.console_error = AwsUnavailable("Away.")

    with pytest.raises(AwsUnavailable):
        rig.issue(DANA, CONSOLE)

    assert rig.states() == ["failed"]


def test_if_federation_fails_legacy_clients_still_get_keys(rig: Rig) -> None:
    rig.broker.console_error = AwsUnavailable("Away.")

    issuance = rig.issue(DANA, BOTH, channel=Channel.LEGACY)

    assert issuance.console_url is None
    assert issuance.credentials == rig.broker.issued_credentials[0]
    assert rig.states() == ["issued"]


def test_a_role_that_refuses_identity_and_tags_is_assumed_without_them_for_an_hour(rig: Rig) -> None:
    rig.broker.refuses_attribution = True

    assert not rig.issue(DANA, "dev01").is_attributed
    assert not rig.issue(DANA, "dev01").is_attributed
    assert [attributed for _, attributed in rig.broker.assumed] == [True, False, False]
    assert [row["is_attributed"] for row in rig.rows()] == [False, False]

    rig.clock.move(timedelta(minutes=61))
    rig.broker.refuses_attribution = False

    assert rig.issue(DANA, "dev01").is_attributed


def test_a_role_that_refuses_the_portal_is_not_cached_as_refusing_attribution(rig: Rig) -> None:
    rig.broker.assume_error = AwsTrustRefused("No.")

    with pytest.raises(AwsTrustRefused):
        rig.issue(DANA, "dev01")

    assert [attributed for _, attributed in rig.broker.assumed] == [True, False]
    assert [fact["plain_until"] for fact in rig.facts()] == [None]


def test_a_session_whose_tags_are_too_large_is_not_tried_without_them(rig: Rig) -> None:
    rig.broker.assume_error = AwsRefused("The policies and tags are too large together.")

    with pytest.raises(AwsRefused):
        rig.issue(DANA, "dev01")

    assert [attributed for _, attributed in rig.broker.assumed] == [True]


def test_if_attribution_is_required_there_is_no_session_without_it(rig: Rig) -> None:
    rig.broker.refuses_attribution = True
    rig.issue(DANA, "dev01")
    strict = rig.issuer_with(rig.committer, is_attribution_required=True)
    rig.issuer = strict
    rig.broker.assumed.clear()

    with pytest.raises(AwsTrustRefused, match="sts:TagSession"):
        rig.issue(DANA, "dev01")

    assert [attributed for _, attributed in rig.broker.assumed] == [True]


def test_a_role_maximum_is_read_once_in_five_minutes(rig: Rig) -> None:
    rig.set(TENANT_VALIDITY, "14400", DEV)
    rig.broker.maximum = 2 * HOUR
    assert [rig.issue(DANA, "dev01").validity.duration for _ in range(2)] == [2 * HOUR, 2 * HOUR]
    assert rig.broker.maximum_reads == 1

    rig.clock.move(timedelta(minutes=6))
    rig.broker.maximum = None

    assert [rig.issue(DANA, "dev01").validity.duration for _ in range(2)] == [4 * HOUR, 4 * HOUR]
    assert rig.broker.maximum_reads == 2


def test_if_the_role_maximum_is_unreadable_a_refused_duration_falls_back_to_one_hour(rig: Rig) -> None:
    rig.set(TENANT_VALIDITY, "7200", DEV)
    rig.broker.enforced_maximum = HOUR

    issuance = rig.issue(DANA, "dev01")

    assert issuance.validity.duration == HOUR
    assert issuance.validity.deciding_limit.source is LimitSource.ROLE_MAXIMUM
    assert rig.rows()[0]["validity"] == 3600
    assert rig.rows()[0]["decided_by"] == "role_maximum"
    assert [session.duration for session, _ in rig.broker.assumed] == [2 * HOUR, HOUR]

    rig.issue(DANA, "dev01")

    assert [session.duration for session, _ in rig.broker.assumed][2:] == [HOUR]


def test_role_facts_are_cached_per_role(rig: Rig) -> None:
    for tenant in (DEV, PROD):
        rig.set(TENANT_VALIDITY, "14400", tenant)
    rig.broker.maximum = 2 * HOUR
    rig.issue(DANA, "dev01")
    rig.broker.maximum = HOUR

    assert rig.issue(DANA, "prod01").validity.duration == HOUR
    assert rig.issue(DANA, "dev01").validity.duration == 2 * HOUR
    assert {fact["role_arn"] for fact in rig.facts()} == {DEV.target.role_arn, PROD.target.role_arn}


def test_no_secret_appears_in_the_database_or_in_reprs(rig: Rig) -> None:
    issuance = rig.issue(DANA, BOTH)

    shown = repr(issuance) + repr(rig.rows()) + repr(rig.facts())
    assert "canary" not in shown
    assert "SigninToken" not in shown


def test_a_preview_calls_no_aws_and_records_nothing(rig: Rig) -> None:
    rig.set(TENANT_VALIDITY, "1800", DEV)

    plan = rig.issuer.preview(caller(DANA), Scope.of_tenant("dev01"))

    assert (plan.validity.duration, plan.access) == (timedelta(minutes=30), Access.FULL)
    assert rig.issue(DANA, "dev01").validity.duration == plan.validity.duration
    assert len(rig.rows()) == 1
    with pytest.raises(TenantNotFound):
        rig.issuer.preview(caller(DANA), Scope.of_tenant("data01"))
    with pytest.raises(AccessDenied):
        rig.issuer.preview(caller(DANA), ADMIN_SCOPE)
    assert len(rig.rows()) == 1
    assert len(rig.broker.assumed) == 1
