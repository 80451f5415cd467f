"""Checks of the portal and its AWS account; each finding comes with the command or policy that fixes it."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from daypass.common.console.partitions import partition_of
from daypass.common.console.regions import region_error
from daypass.portal.access.broker import Broker
from daypass.portal.access.model import LimitSource
from daypass.portal.access.store.roles import CachedRoleStore
from daypass.portal.accounts.registry import Accounts, PerAccount
from daypass.portal.admin.roles.remediation import set_maximum
from daypass.portal.admin.roles.store import RoleChangeList
from daypass.portal.admin.settings.duration_report import DurationReport, DurationReports
from daypass.portal.aws import patches, policies
from daypass.portal.aws.errors import LARGEST_SKEW
from daypass.portal.aws.iam import MASTER_POLICY, AwsRoles, role_name
from daypass.portal.aws.tenant_role import TENANT_POLICY
from daypass.portal.clock import Clock
from daypass.portal.diagnostics.collisions import collision_findings
from daypass.portal.diagnostics.fence import Fence
from daypass.portal.diagnostics.finding import UNREADABLE, Finding, Level, run_check
from daypass.portal.diagnostics.queues import DeadLetters
from daypass.portal.diagnostics.set_roles import SET_ROLE, set_role_findings
from daypass.portal.diagnostics.trust import expected_trust, trust_findings
from daypass.portal.errors import AwsError, AwsNotAllowed, AwsRefused, RoleNotFound
from daypass.portal.storage.engine import Database
from daypass.portal.tenants.model import Tenant
from daypass.portal.tenants.roles import RoleState

_SKEW = timedelta(seconds=60)
_MASTER = "master role"
_ROOT = Finding(
    "identity",
    Level.ERROR,
    "portal",
    "These are the credentials of the account's root user, which AWS lets assume no role. Use those that the "
    "portal has. `daypass portal aws-setup` prints how to create them.",
)


@dataclass(frozen=True, slots=True)
class Doctor:
    """Read-only checks of roles, trust and settings in one account.

    It works without a role session, which would need an audit.
    """

    database: Database
    accounts: Accounts
    broker: Broker
    roles: AwsRoles
    clock: Clock
    dead_letters: DeadLetters | None = None
    """None if queues are not checked, for example while a page waits."""
    extra_regions: Collection[str] = ()
    """Regions to accept although their names do not match the known pattern."""

    def examine(self) -> Iterator[Finding]:
        """Yield the findings on the portal, tenants' roles and names, permission sets' roles and queues.

        A check that fails becomes a finding. Raises an `AwsError`, before the first finding, if AWS does not
        say who the portal is.
        """
        principal, master = self.roles.principal(), self.roles.account.master_role_arn
        if principal.endswith(":root"):
            # Commands for trust policies would name the root user in place of the portal.
            yield _ROOT
            return
        yield from run_check("portal", "portal", lambda: self._portal(principal))
        yield from run_check("boundary_policy", "portal", self._fence.of_account)
        yield from run_check(UNREADABLE, _MASTER, lambda: self._role(_MASTER, master, principal, None))
        yield from run_check("tenants", "database", lambda: self._tenants(principal))

    def _tenants(self, principal: str) -> Iterator[Finding]:
        account = self.roles.account
        tenants = [
            tenant
            for tenant in every_tenant(self.database)
            if self.accounts.for_role(tenant.target.role_arn) == account
        ]
        for tenant in tenants:
            examine = partial(self._role, tenant.name, tenant.target.role_arn, principal, tenant)
            yield from run_check(UNREADABLE, tenant.name, examine)
        yield from collision_findings(tenants, self.roles)
        yield from run_check(
            SET_ROLE,
            "permission sets",
            lambda: set_role_findings(tenants, self.database, self.broker, self.roles),
        )
        if self.dead_letters is not None:
            yield from run_check("dead_letters", "queues", partial(self.dead_letters.examine, tenants))

    def examine_tenant(self, tenant: Tenant) -> Sequence[Finding]:
        """Return the findings on one tenant's role; an AWS error becomes a finding."""
        try:
            return list(self._role(tenant.name, tenant.target.role_arn, self.roles.principal(), tenant))
        except AwsError as refusal:
            return [Finding(UNREADABLE, Level.WARNING, tenant.name, refusal.reason)]

    def _portal(self, principal: str) -> Iterator[Finding]:
        yield Finding("identity", Level.FINE, "portal", f"The portal is {principal}.")
        yield self._clocks()
        if self.broker.is_chained:
            yield Finding(
                "chaining",
                Level.WARNING,
                "portal",
                "Its credentials are a role session, so AWS caps all sessions at one hour, whatever is set.",
                "daypass portal aws-setup --format cli",
            )
        else:
            yield Finding(
                "chaining",
                Level.FINE,
                "portal",
                "Its keys are long-term, so sessions may last longer than one hour.",
            )

    def _clocks(self) -> Finding:
        try:
            skew = abs(self.roles.aws_clock() - self.clock())
        except AwsRefused as refusal:
            return Finding("clock", Level.WARNING, "portal", refusal.reason)
        level = Level.FINE if skew <= _SKEW else Level.WARNING if skew <= LARGEST_SKEW else Level.ERROR
        sentence = f"Its clock and AWS's differ by {skew // timedelta(seconds=1)} s."
        patch = "" if level is Level.FINE else "timedatectl set-ntp true"
        return Finding("clock", level, "portal", sentence, patch)

    def _role(self, subject: str, role_arn: str, principal: str, tenant: Tenant | None) -> Iterator[Finding]:
        if tenant is not None:
            yield from region_findings(tenant, self.roles.account.partition, self.extra_regions)
        try:
            state = self.roles.read(role_arn)
        except RoleNotFound:
            yield Finding(
                "missing",
                Level.ERROR,
                subject,
                f"There is no role {role_arn}.",
                self._creation_command(role_arn, principal, tenant),
            )
            return
        except AwsNotAllowed as refusal:
            need = policies.allow(["iam:GetRole", "iam:UpdateRole"], [role_arn])
            yield Finding(UNREADABLE, Level.WARNING, subject, refusal.reason, policies.to_json(need))
            return
        except AwsError as refusal:
            yield Finding(UNREADABLE, Level.WARNING, subject, refusal.reason)
            return
        findings = [
            *run_check(UNREADABLE, subject, lambda: trust_findings(subject, state, principal, tenant)),
            *run_check("maximum", subject, lambda: self._maximum(subject, state, tenant)),
            *run_check(
                "fence",
                subject,
                lambda: (
                    self._fence.of_master(subject, state, principal)
                    if tenant is None
                    else self._fence.of_tenant(subject, state, tenant)
                ),
            ),
        ]
        yield from findings or [Finding("role", Level.FINE, subject, f"{role_arn} is set up correctly.")]

    def _maximum(self, subject: str, state: RoleState, tenant: Tenant | None) -> Iterator[Finding]:
        with self.database.writing() as connection:
            CachedRoleStore(connection).remember_maximum(state.arn, state.maximum, self.clock())
        report = self._duration_report(tenant)
        wanted = report.limit(LimitSource.CONFIGURED) or state.maximum
        if wanted > state.maximum:
            yield Finding(
                "maximum",
                Level.WARNING,
                subject,
                f"{_seconds(wanted)} s are set for its sessions, and the role allows "
                f"{_seconds(state.maximum)} s.",
                set_maximum(state.arn, wanted).command,
            )
        elif (
            report.change is not None
            and tenant is not None
            and report.change.desired.maximum != state.maximum
        ):
            yield Finding(
                "maximum",
                Level.WARNING,
                subject,
                f"Its maximum should be {_seconds(report.change.desired.maximum)} s; "
                f"it is {_seconds(state.maximum)} s.",
                set_maximum(state.arn, report.change.desired.maximum).command,
            )

    def _duration_report(self, tenant: Tenant | None) -> DurationReport:
        # A registry of this account only, so that its master role is the one of the report.
        account = self.roles.account
        brokers = PerAccount({account.name: self.broker})
        durations = DurationReports(self.database, Accounts(account), brokers, self.clock)
        return durations.of_admin() if tenant is None else durations.of_tenant(tenant.id)

    @property
    def _fence(self) -> Fence:
        return Fence(self.roles)

    def _creation_command(self, role_arn: str, principal: str, tenant: Tenant | None) -> str:
        """Return the commands that create the role as the portal would: trust, boundary, tag, policy."""
        account, name = self.roles.account, role_name(role_arn)
        trust = expected_trust(principal, tenant)
        path = role_arn.partition(":role")[2].removesuffix(name)
        if tenant is None:
            create = patches.create_role(name, path, trust)
            put = patches.put_role_policy(name, MASTER_POLICY, policies.master_policy(account, principal))
        else:
            create = patches.create_tenant_role(account, name, path, trust, tenant.name)
            fence = policies.tenant_policy(account, tenant.name)
            put = patches.put_role_policy(name, TENANT_POLICY, fence)
        return f"{create} && {put}"


def every_tenant(database: Database) -> Sequence[Tenant]:
    """Return all tenants."""
    with database.reading() as connection:
        return RoleChangeList(connection).every_tenant()


def region_findings(tenant: Tenant, partition: str, extra_regions: Collection[str]) -> Iterator[Finding]:
    """Check that a tenant's region is valid and in the portal's *partition*, without calling AWS."""
    theirs = partition_of(tenant.target.region)
    if theirs != partition:
        sentence = (
            f"Its region {tenant.target.region} is in the AWS partition {theirs}, and the portal works in "
            f"{partition}. Change the tenant's region."
        )
        yield Finding("region", Level.ERROR, tenant.name, sentence)
    if error := region_error(tenant.target.region, extra_regions):
        yield Finding("region", Level.ERROR, tenant.name, f"{error} Change the tenant's region.")


def _seconds(length: timedelta) -> int:
    return length // timedelta(seconds=1)
