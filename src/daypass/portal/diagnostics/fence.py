"""Checks that roles and their boundary deny everything that this version's fence denies."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from daypass.portal.accounts.model import BOUNDARY
from daypass.portal.aws import patches, policies
from daypass.portal.aws.compare import lacking
from daypass.portal.aws.fence.services_policy import SERVICES_POLICY, services_policy
from daypass.portal.aws.iam import MASTER_POLICY, AwsRoles, role_name
from daypass.portal.aws.policies import Document
from daypass.portal.aws.tenant_role import TENANT_POLICY
from daypass.portal.diagnostics.finding import EMPTIED, Finding, Level
from daypass.portal.diagnostics.shared_fence import SharedFence, is_shared
from daypass.portal.errors import AwsError, AwsNotAllowed
from daypass.portal.tenants.model import Tenant
from daypass.portal.tenants.roles import RoleState


@dataclass(frozen=True, slots=True)
class Fence:
    """Comparison of the policies in AWS with those that this version would write."""

    roles: AwsRoles

    def of_account(self) -> Iterator[Finding]:
        """Check the boundary of generation 1, and the policies that roles of generation 2 share."""
        account, expected = self.roles.account, policies.boundary(self.roles.account)
        actual = self._read("portal", "ReadBoundary", lambda: self.roles.managed_policy(BOUNDARY))
        if isinstance(actual, Finding):
            yield actual
        elif actual is None:
            patch = patches.create_policy(BOUNDARY, expected)
            sentence = f"There is no policy {account.boundary_arn}, the boundary of tenants' roles."
            yield Finding("boundary_policy", Level.WARNING, "portal", sentence, patch)
        elif sids := lacking(actual, expected):
            yield Finding(
                "boundary_policy",
                Level.WARNING,
                "portal",
                f"The boundary of tenants' roles lacks {_named(sids)} of this version. AWS keeps five "
                "versions of a policy; delete the oldest first where there are five.",
                patches.new_version(account.boundary_arn, expected),
            )
        yield from self._shared.of_account()

    def of_master(self, subject: str, state: RoleState, principal: str) -> Iterator[Finding]:
        """Check that admin sessions cannot change the portal's own access."""
        expected = policies.master_policy(self.roles.account, principal)
        yield from self._compare(subject, state.arn, MASTER_POLICY, expected)

    def of_tenant(self, subject: str, state: RoleState, tenant: Tenant) -> Iterator[Finding]:
        """Check the tag, the boundary and the policy of a tenant's role."""
        name = role_name(state.arn)
        if state.tags.get(policies.TENANT_TAG) != tenant.name:
            yield Finding(
                "tag",
                Level.WARNING,
                subject,
                f"The role has no tag {policies.TENANT_TAG} with the tenant's name.",
                patches.tag_role(name, tenant.name),
            )
        if state.boundary_arn is None:
            yield Finding(
                "boundary",
                Level.WARNING,
                subject,
                "The role has no permissions boundary, so only its policies keep it away from IAM.",
                patches.put_boundary(name, self.roles.account.boundary_arn),
            )
        yield from self._services(subject, state, tenant)
        if is_shared(state, self.roles):
            yield from self._shared.of_role(subject, state)
            return
        expected = policies.tenant_policy(self.roles.account, tenant.name)
        yield from self._compare(subject, state.arn, TENANT_POLICY, expected)
        yield from self._shared.of_inline_role(subject, tenant.name)

    @property
    def _shared(self) -> SharedFence:
        return SharedFence(self.roles)

    def _services(self, subject: str, state: RoleState, tenant: Tenant) -> Iterator[Finding]:
        """Check that the role is limited to the services of the tenant's setting."""
        name, chosen = role_name(state.arn), self.roles.services_of(tenant.id)
        actual = self._read(subject, "ReadRoles", lambda: self.roles.policy(state.arn, SERVICES_POLICY))
        if isinstance(actual, Finding):
            # The check of the role's other policy reports the same, for every tenant.
            return
        if chosen is None and actual is not None:
            sentence = (
                "The role is limited to some services, and the tenant's setting “AWS Services” is not set."
            )
            patch = patches.delete_role_policy(name, SERVICES_POLICY)
            yield Finding("services", Level.WARNING, subject, sentence, patch)
        elif chosen is not None and actual != (wanted := services_policy(chosen)):
            sentence = "The role's policy “services” is not that of the tenant's setting “AWS Services”."
            patch = patches.put_role_policy(name, SERVICES_POLICY, wanted)
            yield Finding("services", Level.WARNING, subject, sentence, patch)

    def _compare(self, subject: str, role_arn: str, name: str, expected: Document) -> Iterator[Finding]:
        actual = self._read(subject, "ReadRoles", lambda: self.roles.policy(role_arn, name))
        patch = patches.put_role_policy(role_name(role_arn), name, expected)
        if isinstance(actual, Finding):
            yield actual
        elif actual is not None and policies.is_nothing(actual):
            sentence = "The role has no rights: they were taken when its tenant was deleted."
            yield Finding(EMPTIED, Level.ERROR, subject, sentence, patch)
        elif sids := lacking(actual or {}, expected):
            sentence = f"The role's policy “{name}” lacks {_named(sids)} of this version."
            if actual is None:
                sentence = f"The role has no policy “{name}”, so nothing denies what the fence denies."
            yield Finding("fence", Level.WARNING, subject, sentence, patch)

    def _read(
        self, subject: str, need_sid: str, read: Callable[[], Document | None]
    ) -> Document | Finding | None:
        """Return a policy, None if there is none, or the finding that it cannot be read."""
        try:
            return read()
        except AwsNotAllowed as refusal:
            (required,) = (need for need in policies.portal_needs(self.roles.account) if need.sid == need_sid)
            patch = policies.to_json(required.statement)
            return Finding("unreadable_policy", Level.WARNING, subject, refusal.reason, patch)
        except AwsError as refusal:
            return Finding("unreadable_policy", Level.WARNING, subject, refusal.reason)


def _named(sids: Sequence[str]) -> str:
    return f"the statement{'s' if len(sids) > 1 else ''} {', '.join(sids)}"
