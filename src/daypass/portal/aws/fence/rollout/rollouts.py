"""Reading, planning, application and verification of the fence in one account."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from daypass.common.counting import counted
from daypass.portal.access.broker import SetRole
from daypass.portal.accounts.model import Generation
from daypass.portal.accounts.rollout import (
    PolicyComparison,
    PolicyStatus,
    RolloutPlan,
    SetRoleComparison,
    SetRoleStatus,
    Step,
    TenantFence,
)
from daypass.portal.aws.fence.collisions import longer_names
from daypass.portal.aws.fence.rollout import planning
from daypass.portal.aws.fence.rollout.account_state import AccountReader, AccountState, RoleInAccount
from daypass.portal.aws.fence.rollout.applying import Applier
from daypass.portal.aws.fence.rollout.set_role_comparison import find_obstacle
from daypass.portal.aws.fence.rollout.set_roles_in_account import (
    NO_SET_ROLES,
    AccountSetRoleReader,
    SetRoleInAccount,
    SetRolesInAccount,
)
from daypass.portal.aws.fence.shared import digest, shared_policies
from daypass.portal.aws.policies import Document
from daypass.portal.tenants.model import Tenant, TenantId

_ROLES_PER_LINE = 50
_REFUSED = {SetRoleStatus.MISSING, SetRoleStatus.WRONG}


def _unlimited(_tenant_id: TenantId) -> None:
    pass


@dataclass(frozen=True, slots=True)
class SetRoles:
    """The permission sets that have roles of their own, and the access to these roles."""

    reader: AccountSetRoleReader
    permission_sets: Sequence[str]
    """The names of these sets."""
    services_of: Callable[[TenantId], Collection[str] | None] = _unlimited
    """Returns the names of the services that a tenant may use; None if it may use all."""


@dataclass(frozen=True, slots=True)
class Request:
    """The options of a rollout."""

    migrated: Sequence[str] = ()
    """The tenants whose roles get the fence of generation 2."""
    pause: bool = False
    """Whether to deny everything on the way."""
    back: bool = False
    """Whether to go back to the versions before the last rollout."""


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of a comparison of an account with the catalogue."""

    policies: Sequence[PolicyComparison]
    tenants: Sequence[TenantFence]
    """The tenants whose roles are of generation 2."""
    set_roles: Sequence[SetRoleComparison]
    """The roles of permission sets."""
    digests: Mapping[str, str]
    """The digests of the policies that are complete, by name."""

    @property
    def is_complete(self) -> bool:
        """Whether all policies, roles of generation 2 and roles of permission sets are as they should be."""
        return (
            all(one.status is PolicyStatus.SAME for one in self.policies)
            and not any(tenant.differences for tenant in self.tenants)
            and not any(one.status in _REFUSED for one in self.set_roles)
        )


@dataclass(frozen=True, slots=True)
class FenceRollout:
    """The rollout of this release's fence in one account; a `RolloutPlanner`."""

    reader: AccountReader
    applier: Applier
    tenants: Sequence[Tenant]
    """The tenants whose roles the account has."""
    set_roles: SetRoles | None = None
    """None if roles of permission sets are left alone."""
    progress: Callable[[str], None] = lambda _: None
    """Called with a sentence now and then while the account is read."""

    @property
    def account_id(self) -> str:
        """The id of the account."""
        return self.reader.account.id

    def is_own(self, tenant: Tenant) -> bool:
        """Return whether the ARN of the tenant's role was entered by an Administrator."""
        return self.reader.is_own(tenant)

    def plan(self, request: Request = Request()) -> RolloutPlan:
        """Read the account and return the plan for *request*; raises an `AwsError`."""
        state, wanted = self._state(request.migrated), self._wanted
        if request.back:
            return planning.rollback_plan(state, wanted)
        migrated = [role for role in state.roles if role.tenant in request.migrated]
        set_roles = self._set_roles(state.roles, request.migrated)
        return planning.plan(state, wanted, migrated, pause=request.pause, set_roles=set_roles)

    def apply(self, plan: RolloutPlan) -> Iterator[Step]:
        """Yield each step of the plan once it is made; raises `StepFailed`."""
        return self.applier.apply(plan.steps)

    def verify(self) -> Verification:
        """Read the account and compare it with the catalogue; raises an `AwsError`."""
        state, wanted = self._state(()), self._wanted
        policies = [planning.compare(state.policies[name], wanted[name]) for name in wanted]
        fences = [planning.tenant_fence(state, role) for role in state.roles]
        return Verification(
            policies=policies,
            tenants=[fence for fence in fences if fence.generation == Generation.SHARED],
            set_roles=planning.compare_set_roles(state.account, self._set_roles(state.roles, ())),
            digests={
                one.name: digest(wanted[one.name]) for one in policies if one.status is PolicyStatus.SAME
            },
        )

    @property
    def _wanted(self) -> Mapping[str, Document]:
        return shared_policies(self.reader.account)

    def _state(self, migrated: Sequence[str]) -> AccountState:
        state = AccountState(self.reader.account, self.reader.policies(self._wanted))
        return replace(state, roles=list(self._roles(migrated)))

    def _roles(self, migrated: Sequence[str]) -> Iterator[RoleInAccount]:
        for number, tenant in enumerate(self.tenants):
            if number % _ROLES_PER_LINE == 0:
                done = f": {number} are read" if number else ""
                self.progress(f"Reading the roles of {counted(len(self.tenants), 'tenant')}{done}.")
            yield self.reader.role(tenant, contents=tenant.name in migrated)

    def _set_roles(self, roles: Sequence[RoleInAccount], migrated: Sequence[str]) -> SetRolesInAccount:
        if self.set_roles is None:
            return NO_SET_ROLES
        used = []
        names = [tenant.name for tenant in self.tenants]
        for tenant, role in zip(self.tenants, roles, strict=True):
            services, overlapping = self.set_roles.services_of(tenant.id), longer_names(tenant.name, names)
            for name in self.set_roles.permission_sets:
                wanted = SetRole.of(tenant, name, services, overlapping)
                used.append(self._set_role(self.set_roles, name, wanted, role, migrated))
        unused = self.set_roles.reader.unused({role.wanted.role_arn for role in used})
        if unused is None:
            self.progress("Roles of deleted permission sets are not shown, since that takes iam:ListRoles.")
        return SetRolesInAccount(used, unused or ())

    def _set_role(
        self, sets: SetRoles, name: str, wanted: SetRole, role: RoleInAccount, migrated: Sequence[str]
    ) -> SetRoleInAccount:
        unread = SetRoleInAccount(permission_set=name, wanted=wanted, tenant_role=role, state=None)
        # Most tenants of an account may be of generation 1, and each role takes several calls.
        if find_obstacle(self.reader.account, unread, migrated):
            return unread
        return replace(unread, state=sets.reader.read(wanted.role_arn))
