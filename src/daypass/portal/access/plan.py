"""An attempt, and what policy and limits make of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from daypass.portal.access.duration import choose
from daypass.portal.access.model import (
    AdminScope,
    Ask,
    Caller,
    IssuanceId,
    Limit,
    LimitSource,
    RoleSession,
    TenantScope,
    Validity,
)
from daypass.portal.access.session_names import session_name, session_tags, shown
from daypass.portal.settings.registry import ADMIN_JIT_SESSION_DURATION, TENANT_VALIDITY, Setting
from daypass.portal.settings.store import Values
from daypass.portal.tenants.model import Access, Tenant, TenantId

_DEFAULT_VALIDITY = timedelta(hours=1)
_LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class IssuanceRequest:
    """One ask of one caller, from here on known by its id."""

    id: IssuanceId
    caller: Caller
    ask: Ask
    asked_at: datetime
    tenant: Tenant | None
    """The tenant asked for, where the caller may know of it."""
    tenant_id: TenantId | None
    """The tenant asked for, for the auditors alone."""
    role_arn: str
    region: str

    @property
    def is_admin(self) -> bool:
        """Whether the master role was asked for."""
        return isinstance(self.ask.scope, AdminScope)

    @property
    def setting(self) -> Setting:
        """What says how long it may live where nobody asks for less."""
        return ADMIN_JIT_SESSION_DURATION if self.is_admin else TENANT_VALIDITY

    @property
    def tenant_name(self) -> str | None:
        """The tenant's name, or what was typed in its place; None for the admin scope."""
        if self.tenant is not None:
            return self.tenant.name
        if isinstance(self.ask.scope, TenantScope):
            return shown(self.ask.scope.reference, _LONGEST_NAME)
        return None


@dataclass(frozen=True, slots=True)
class Plan:
    """What an attempt may have."""

    access: Access
    validity: Validity
    destination: str | None
    """The console page to land on; None where no console link is wanted."""


def choose_validity(
    attempt: IssuanceRequest, values: Values, role_maximum: timedelta | None, *, is_chained: bool
) -> Validity:
    """How long *attempt* may live, by the settings and everything else that limits it."""
    return choose(
        attempt.ask.duration,
        configured_validity(values, attempt.setting),
        role_maximum=role_maximum,
        is_chained=is_chained,
        grant_ends_at=attempt.caller.token.grant_ends_at,
        now=attempt.asked_at,
    )


def configured_validity(values: Values, setting: Setting) -> Limit:
    """How long sessions live where nobody asks for less."""
    return Limit(LimitSource.CONFIGURED, setting.label, values.duration(setting) or _DEFAULT_VALIDITY)


def role_session(attempt: IssuanceRequest, plan: Plan) -> RoleSession:
    """What AWS is to be asked for."""
    user, tenant = attempt.caller.user, attempt.tenant
    return RoleSession(
        role_arn=attempt.role_arn,
        region=attempt.region,
        session_name=session_name(user.username),
        validity=plan.validity.length,
        external_id=tenant.external_id if tenant else None,
        source_identity=user.id,
        tags=session_tags(attempt.id, tenant),
        access=plan.access,
    )
