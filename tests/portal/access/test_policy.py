"""The authorization policy for every combination of user, scope, channel and settings."""

from collections.abc import Sequence
from typing import Any

import pytest

from daypass.portal.access.entitlements import (
    Entitlement,
    EntitlementKind,
    entitlements_to_account,
    entitlements_to_tenant,
)
from daypass.portal.access.model import Allow, Channel, Deny
from daypass.portal.access.policy import decide, find_consent_refusal, may_see
from daypass.portal.errors import AccessDenied, InsufficientScope, JitDisabled, PortalError, TenantNotFound
from daypass.portal.identity.model import ApiToken, Role, TokenId, TokenKind, User, UserId
from daypass.portal.identity.scopes import ADMIN_SCOPE, Scope, consented_scopes
from daypass.portal.permission_sets.model import BUILT_IN, FULL, READ_ONLY
from daypass.portal.settings.registry import DISABLE_NON_ADMIN_JIT, ENABLE_ADMIN_JIT_ON_UI
from daypass.portal.settings.setting import Setting
from daypass.portal.settings.store import EffectiveSettings
from daypass.portal.tenants.model import Access, Tenant, TenantAccess, TenantId
from tests.fakes import NOON

USER = User(UserId("1" * 32), "dana@example.com", Role.USER)
ADMINISTRATOR = User(UserId("2" * 32), "admin@example.com", Role.ADMINISTRATOR)
DEV = Tenant.with_role(
    TenantId("t-dev"), "dev01", "us-west-2", "arn:aws:iam::1:role/duploservices-dev01", None
)

FULL_MEMBER = TenantAccess(DEV, FULL)
READER = TenantAccess(DEV, READ_ONLY)
FOREIGN = TenantAccess(DEV, None)
UNKNOWN = None

TENANT = Scope.of_tenant("dev01")
ADMIN = ADMIN_SCOPE


def entitlements(user: User, tenant: TenantAccess | None, scope: Scope = TENANT) -> Sequence[Entitlement]:
    """Return what the reader of the database returns for the scope."""
    if scope.is_admin:
        return entitlements_to_account(user)
    return () if tenant is None else entitlements_to_tenant(user, tenant.membership)


def flags(*on: Setting[Any]) -> EffectiveSettings:
    return EffectiveSettings({(setting.type, setting.key): "true" for setting in on})


DEFAULTS = flags()
ADMIN_ON_UI = flags(ENABLE_ADMIN_JIT_ON_UI)
NON_ADMIN_OFF = flags(DISABLE_NON_ADMIN_JIT)


@pytest.mark.parametrize("channel", Channel)
@pytest.mark.parametrize(
    ("user", "tenant", "values", "access"),
    [
        (USER, FULL_MEMBER, DEFAULTS, Access.FULL),
        (USER, READER, DEFAULTS, Access.READ_ONLY),
        (ADMINISTRATOR, FULL_MEMBER, DEFAULTS, Access.FULL),
        (ADMINISTRATOR, READER, DEFAULTS, Access.FULL),
        (ADMINISTRATOR, FOREIGN, DEFAULTS, Access.FULL),
        (ADMINISTRATOR, FOREIGN, NON_ADMIN_OFF, Access.FULL),
        (USER, FULL_MEMBER, ADMIN_ON_UI, Access.FULL),
    ],
)
def test_members_and_administrators_get_access_to_a_tenant(
    channel: Channel, user: User, tenant: TenantAccess, values: EffectiveSettings, access: Access
) -> None:
    decision = decide(user, TENANT, entitlements(user, tenant), channel, values)

    assert isinstance(decision, Allow)
    assert decision.access is access
    expected = EntitlementKind.ADMINISTRATOR if user.is_administrator else EntitlementKind.MEMBERSHIP
    assert decision.entitlement == Entitlement(expected, BUILT_IN[access])


@pytest.mark.parametrize("channel", Channel)
@pytest.mark.parametrize(
    ("user", "scope", "tenant", "values", "refusal"),
    [
        (USER, TENANT, FOREIGN, DEFAULTS, TenantNotFound),
        (USER, TENANT, UNKNOWN, DEFAULTS, TenantNotFound),
        (ADMINISTRATOR, TENANT, UNKNOWN, DEFAULTS, TenantNotFound),
        (USER, ADMIN, None, DEFAULTS, AccessDenied),
        (USER, ADMIN, None, ADMIN_ON_UI, AccessDenied),
        (USER, TENANT, FULL_MEMBER, NON_ADMIN_OFF, JitDisabled),
        (USER, TENANT, READER, NON_ADMIN_OFF, JitDisabled),
        (USER, TENANT, FOREIGN, NON_ADMIN_OFF, JitDisabled),
        (USER, TENANT, UNKNOWN, NON_ADMIN_OFF, JitDisabled),
        (USER, ADMIN, None, NON_ADMIN_OFF, JitDisabled),
    ],
)
def test_all_others_are_denied_with_a_sentence(
    channel: Channel,
    user: User,
    scope: Scope,
    tenant: TenantAccess | None,
    values: EffectiveSettings,
    refusal: type[PortalError],
) -> None:
    decision = decide(user, scope, entitlements(user, tenant, scope), channel, values)

    assert isinstance(decision, Deny)
    assert type(decision.refusal) is refusal
    assert decision.refusal.reason.endswith(".")


@pytest.mark.parametrize("channel", Channel)
@pytest.mark.parametrize("values", [DEFAULTS, ADMIN_ON_UI, NON_ADMIN_OFF])
def test_the_flag_for_admin_access_applies_to_the_web_channel_only(
    channel: Channel, values: EffectiveSettings
) -> None:
    decision = decide(ADMINISTRATOR, ADMIN, entitlements_to_account(ADMINISTRATOR), channel, values)

    if channel is Channel.WEB and values is not ADMIN_ON_UI:
        assert isinstance(decision, Deny)
        assert type(decision.refusal) is JitDisabled
        assert ENABLE_ADMIN_JIT_ON_UI.label in decision.refusal.reason
    else:
        assert decision == Allow(Entitlement(EntitlementKind.ADMINISTRATOR, FULL), FULL)


@pytest.mark.parametrize(
    "name", ["dev01", "DEV01", "", "x" * 300, "a\r\nb\x00", "\u202etxt", "<b>ü</b>", "\ud800"]
)
@pytest.mark.parametrize("values", [DEFAULTS, NON_ADMIN_OFF])
def test_a_foreign_tenant_is_denied_exactly_like_an_unknown_one(name: str, values: EffectiveSettings) -> None:
    foreign = decide(USER, Scope.of_tenant(name), entitlements(USER, FOREIGN), Channel.API, values)
    unknown = decide(USER, Scope.of_tenant(name), entitlements(USER, UNKNOWN), Channel.API, values)

    assert isinstance(foreign, Deny)
    assert isinstance(unknown, Deny)
    assert (foreign.refusal.code, foreign.refusal.reason) == (unknown.refusal.code, unknown.refusal.reason)
    assert foreign.refusal.reason.isprintable()
    assert len(foreign.refusal.reason) < 200


@pytest.mark.parametrize(
    ("user", "tenant", "visible"),
    [(USER, READER, True), (USER, FULL_MEMBER, True), (USER, FOREIGN, False), (ADMINISTRATOR, FOREIGN, True)],
)
def test_only_members_and_administrators_may_see_a_tenant(
    user: User, tenant: TenantAccess, visible: bool
) -> None:
    assert may_see(user, tenant) is visible


@pytest.mark.parametrize(
    ("kind", "allows_admin", "allowed"),
    [
        (TokenKind.PERMANENT, False, True),
        (TokenKind.TEMPORARY, False, True),
        (TokenKind.BROWSER, False, True),
        (TokenKind.APPROVAL, False, False),
        (TokenKind.APPROVAL, True, True),
        (TokenKind.CLI, False, False),
        (TokenKind.CLI, True, True),
        (TokenKind.REFRESH, False, False),
    ],
)
def test_admin_access_needs_a_token_whose_consent_includes_it(
    kind: TokenKind, allows_admin: bool, allowed: bool
) -> None:
    token = ApiToken(
        TokenId("t"), kind, "", USER.id, NOON, NOON, NOON, scopes=consented_scopes(with_admin=allows_admin)
    )

    refused = find_consent_refusal(token, ADMIN)

    assert (refused is None) is allowed
    assert refused is None or type(refused.refusal) is InsufficientScope
    assert find_consent_refusal(token, TENANT) is None
