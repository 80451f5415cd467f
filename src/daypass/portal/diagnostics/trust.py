"""Checks of a role's trust policy."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from daypass.portal.aws import patches, policies
from daypass.portal.aws.iam import role_name
from daypass.portal.aws.policies import Document
from daypass.portal.aws.trust.analysis import Trust, read_trust
from daypass.portal.aws.trust.policy import LARGEST_TRUST_POLICY, merge_trust, trust_policy
from daypass.portal.diagnostics.finding import Finding, Level
from daypass.portal.tenants.model import Tenant
from daypass.portal.tenants.roles import RoleState


def expected_trust(principal: str, tenant: Tenant | None) -> Document:
    """Return the trust policy of a tenant's role or, with None, of the master role."""
    if tenant is None:
        return trust_policy(principal, None, None)
    return trust_policy(principal, tenant.target.external_id, tenant.name)


def trust_findings(
    subject: str, state: RoleState, principal: str, tenant: Tenant | None
) -> Iterator[Finding]:
    """Yield the faults of a role's trust policy, each with the command that repairs it.

    The command changes only the statements that Daypass wrote. A fault of another statement has no command.
    """
    repaired = merge_trust(state.trust, expected_trust(principal, tenant), principal)
    repair = _Repair(subject, patches.update_trust(role_name(state.arn), repaired), _size_note(repaired))
    # A fault that the repaired policy still has is in a statement that the command keeps.
    before, after = (_read(document, principal, tenant) for document in (state.trust, repaired))
    for reason in before.exclusion_reasons:
        sentence = f"The trust policy is wrong: {reason}."
        yield repair.finding("trust", Level.ERROR, sentence, remains=bool(after.exclusion_reasons))
    if before.is_open:
        sentence = "The trust policy lets any AWS account assume the role."
        yield repair.finding("open", Level.ERROR, sentence, remains=after.is_open)
    if before.missing_actions and not before.exclusion_reasons:
        sentence = (
            f"The trust policy does not allow {' and '.join(before.missing_actions)}, so its sessions "
            "do not name their user and cannot be ended one by one."
        )
        yield repair.finding("attribution", Level.WARNING, sentence, remains=bool(after.missing_actions))
    requires_id = before.requires_external_id or before.exclusion_reasons
    if tenant is not None and tenant.target.external_id and not requires_id:
        sentence = "The trust policy does not require the tenant's ExternalId."
        remains = not after.requires_external_id
        yield repair.finding("external_id", Level.WARNING, sentence, remains=remains)
    yield from _tags(before, after, repair)


@dataclass(frozen=True, slots=True)
class _Repair:
    subject: str
    patch: str
    note: str

    def finding(self, code: str, level: Level, sentence: str, *, remains: bool) -> Finding:
        """Return a finding with the patch, or with advice if the fault *remains* after the patch."""
        if remains:
            advice = (
                " The cause is a statement that Daypass did not write and does not change: edit or remove it."
            )
            return Finding(code, level, self.subject, sentence + advice)
        return Finding(code, level, self.subject, sentence + self.note, self.patch)


def _tags(before: Trust, after: Trust, repair: _Repair) -> Iterator[Finding]:
    if before.accepts_tenant_tag:
        sentence = (
            f"The trust policy does not pin the session tags: a session tag {policies.TENANT_TAG} would "
            "replace the role's own tag, by which policies tell tenants apart."
        )
        yield repair.finding("tenant_tag", Level.WARNING, sentence, remains=after.accepts_tenant_tag)
    elif not before.are_tags_pinned:
        sentence = "The trust policy does not pin the session tags to those that the portal sends."
        yield repair.finding("session_tags", Level.WARNING, sentence, remains=not after.are_tags_pinned)


def _read(document: Mapping[str, object], principal: str, tenant: Tenant | None) -> Trust:
    external_id = tenant.target.external_id if tenant else None
    return read_trust(document, principal, external_id, tenant.name if tenant else None)


def _size_note(document: Document) -> str:
    size = len(policies.to_json(document))
    if size <= LARGEST_TRUST_POLICY:
        return ""
    return f" The new policy has {size} characters; AWS allows {LARGEST_TRUST_POLICY} without a higher quota."
