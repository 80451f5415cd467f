"""The choice of the entitlement, and the release of a session only for the entitlement it was made for."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.common.session_limits import MINIMUM_DURATION
from daypass.portal.access.authorization import AuthorizationContext
from daypass.portal.access.duration import RESPONSE_MARGIN
from daypass.portal.access.entitlements import (
    Entitlement,
    EntitlementKind,
    current,
    entitlements_to_account,
    entitlements_to_tenant,
    strongest,
)
from daypass.portal.access.model import (
    Allow,
    CachedRole,
    Channel,
    Credentials,
    Deny,
    IssuanceId,
    IssuedSession,
    SessionRequest,
)
from daypass.portal.access.plan import IssuanceAttempt, SessionPlan, choose_validity
from daypass.portal.access.policy import decide
from daypass.portal.access.release import find_release_refusal
from daypass.portal.accounts.model import Account
from daypass.portal.errors import AccessDenied, PortalError, TenantNotFound
from daypass.portal.identity.scopes import Scope
from daypass.portal.permission_sets.model import BUILT_IN, FULL, READ_ONLY
from daypass.portal.secret import Secret
from daypass.portal.settings.store import EffectiveSettings
from tests.fakes import NOON
from tests.portal.access.conftest import ADMIN, DANA, DEV, PROD, caller

ADMINISTRATOR = Entitlement(EntitlementKind.ADMINISTRATOR, FULL)
MEMBER = Entitlement(EntitlementKind.MEMBERSHIP, FULL)
READER = Entitlement(EntitlementKind.MEMBERSHIP, READ_ONLY)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
NOTHING_SET = EffectiveSettings({})

ACCOUNT = Account.known("aws", "123456789012", "duploservices-", "duplomaster")


def ending(entitlement: Entitlement, after: timedelta) -> Entitlement:
    return replace(entitlement, ends_at=NOON + after)


def test_the_administrator_role_and_a_membership_are_entitlements() -> None:
    assert list(entitlements_to_account(ADMIN)) == [ADMINISTRATOR]
    assert list(entitlements_to_account(DANA)) == []
    assert list(entitlements_to_tenant(ADMIN, None)) == [ADMINISTRATOR]
    assert list(entitlements_to_tenant(ADMIN, READ_ONLY)) == [ADMINISTRATOR, READER]
    assert list(entitlements_to_tenant(DANA, FULL)) == [MEMBER]
    assert list(entitlements_to_tenant(DANA, None)) == []


@pytest.mark.parametrize(
    ("entitlements", "applies"),
    [
        ([], None),
        ([READER], READER),
        ([READER, MEMBER], MEMBER),
        ([ADMINISTRATOR, MEMBER], ADMINISTRATOR),
        # The rank of the access comes before the end.
        ([READER, ending(MEMBER, HOUR)], ending(MEMBER, HOUR)),
        ([ending(ADMINISTRATOR, HOUR), MEMBER], MEMBER),
        ([ending(MEMBER, HOUR), ending(MEMBER, 2 * HOUR)], ending(MEMBER, 2 * HOUR)),
        ([ending(MEMBER, HOUR), ending(ADMINISTRATOR, HOUR)], ending(MEMBER, HOUR)),
    ],
)
def test_the_strongest_entitlement_applies_and_of_equal_ones_the_longest(
    entitlements: list[Entitlement], applies: Entitlement | None
) -> None:
    assert strongest(entitlements) == applies


ends = st.none() | st.timedeltas(-2 * HOUR, 2 * HOUR).map(lambda after: NOON + after)
entitlements = st.builds(
    Entitlement, st.sampled_from(EntitlementKind), st.sampled_from(list(BUILT_IN.values())), ends
)


@given(several=st.lists(entitlements, max_size=5))
def test_an_entitlement_that_has_ended_gives_no_access(several: list[Entitlement]) -> None:
    live = current(several, NOON)

    assert list(live) == [each for each in several if each.ends_at is None or each.ends_at > NOON]
    decision = decide(DANA, Scope.of_tenant("dev01"), live, Channel.API, NOTHING_SET)
    if live:
        assert isinstance(decision, Allow)
        assert decision.entitlement in live
    else:
        assert isinstance(decision, Deny)
        assert type(decision.refusal) is TenantNotFound


def context_of(entitlement: Entitlement | None, now: datetime = NOON) -> AuthorizationContext:
    """Return the context that the issuer reads for a user with this entitlement to the tenant `dev01`."""
    live = current([] if entitlement is None else [entitlement], now)
    decision = decide(DANA, Scope.of_tenant("dev01"), live, Channel.API, NOTHING_SET)
    return AuthorizationContext(decision, NOTHING_SET, CachedRole(), DEV if live else None, DEV.id)


def attempt_of(entitlement: Entitlement, duration: timedelta | None = None) -> IssuanceAttempt:
    return IssuanceAttempt(
        id=IssuanceId("1"),
        caller=caller(DANA),
        request=SessionRequest(Scope.of_tenant("dev01"), duration),
        asked_at=NOON,
        context=context_of(entitlement),
        account=ACCOUNT,
        target=DEV.target,
    )


def plan_of(attempt: IssuanceAttempt) -> SessionPlan:
    decision = attempt.context.decision
    assert isinstance(decision, Allow)
    validity = choose_validity(attempt, decision.entitlement, None, is_chained=False)
    permission_set = decision.permission_set
    return SessionPlan(decision.entitlement, permission_set, validity, None, permission_set)


def session_of(attempt: IssuanceAttempt, plan: SessionPlan) -> IssuedSession:
    """Return the session that AWS gives for the plan."""
    validity = plan.validity
    expires_at = attempt.asked_at + validity.duration
    return IssuedSession(
        id=attempt.id,
        user=DANA,
        tenant=DEV,
        role_arn=DEV.target.role_arn,
        region=DEV.target.region,
        account_id="123456789012",
        session_name="dana",
        permission_set=plan.permission_set,
        issued_at=attempt.asked_at,
        expires_at=expires_at,
        validity=validity,
        credentials=Credentials("key", Secret("secret"), Secret("token"), expires_at),
        is_attributed=True,
        console_url=None,
    )


@given(left=st.timedeltas(SECOND, 2 * HOUR), duration=st.none() | st.timedeltas(HOUR / 4, 12 * HOUR))
def test_no_session_outlives_the_entitlement_that_it_was_made_for(
    left: timedelta, duration: timedelta | None
) -> None:
    attempt = attempt_of(ending(MEMBER, left), duration)
    try:
        plan = plan_of(attempt)
    except AccessDenied:
        assert left < MINIMUM_DURATION + RESPONSE_MARGIN
        return

    assert session_of(attempt, plan).expires_at <= NOON + left


LATER = NOON + 10 * SECOND


@pytest.mark.parametrize(
    ("decided", "now_has", "refusal"),
    [
        (MEMBER, MEMBER, None),
        (MEMBER, None, TenantNotFound),
        (MEMBER, READER, AccessDenied),
        (READER, MEMBER, AccessDenied),
        (MEMBER, ADMINISTRATOR, AccessDenied),
        (ADMINISTRATOR, MEMBER, AccessDenied),
        # Only the end was moved: the session must still end before it.
        (MEMBER, ending(MEMBER, HOUR), None),
        (MEMBER, ending(MEMBER, HOUR - SECOND), AccessDenied),
        (ending(MEMBER, HOUR / 2), ending(MEMBER, HOUR), None),
        (ending(MEMBER, HOUR / 2), MEMBER, None),
        (ending(MEMBER, HOUR), ending(MEMBER, HOUR / 2), AccessDenied),
        # It has ended since.
        (ending(MEMBER, HOUR), ending(MEMBER, 10 * SECOND), TenantNotFound),
        (MEMBER, ending(MEMBER, 5 * SECOND), TenantNotFound),
    ],
)
def test_a_session_is_released_only_for_the_entitlement_that_it_was_made_for(
    decided: Entitlement, now_has: Entitlement | None, refusal: type[PortalError] | None
) -> None:
    attempt = attempt_of(decided)

    plan = plan_of(attempt)
    refused = find_release_refusal(attempt, plan, session_of(attempt, plan), context_of(now_has, LATER))

    assert (None if refused is None else type(refused)) is refusal


def test_a_session_is_not_released_for_another_tenant_or_role() -> None:
    attempt = attempt_of(MEMBER)
    plan = plan_of(attempt)
    elsewhere = replace(context_of(MEMBER), tenant=PROD)

    assert type(find_release_refusal(attempt, plan, session_of(attempt, plan), elsewhere)) is AccessDenied
