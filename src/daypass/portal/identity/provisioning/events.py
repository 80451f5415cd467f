"""The audit events of provisioning, which say the provider and the token."""

from collections.abc import Mapping, Sequence

from daypass.portal.audit.event import Event, Outcome, Scalar
from daypass.portal.errors import PortalError
from daypass.portal.identity.model import Role
from daypass.portal.identity.provisioning.model import HeldMemberships, ProvisionedUser, Provisioner


def provisioning_event(
    action: str,
    subject: str,
    by: Provisioner,
    detail: Mapping[str, Scalar],
    outcome: Outcome = Outcome.DONE,
    tenant_id: str | None = None,
) -> Event:
    """Return an event whose author is the portal, on behalf of a provider."""
    facts = {"provider": by.provider, "address": by.address, "token_id": by.token_id}
    return Event(
        action=action,
        actor=by.actor,
        outcome=outcome,
        subject=subject,
        tenant_id=tenant_id,
        detail={**facts, **detail},
    )


def refusal_event(
    action: str, subject: str, by: Provisioner, refusal: PortalError, outcome: Outcome = Outcome.DENIED
) -> Event:
    """Return the event of a change that the portal refused; only the provider gets the answer."""
    detail = {"code": refusal.code, "reason": refusal.reason}
    return provisioning_event(action, subject, by, detail, outcome)


def events_of_leaving(user: ProvisionedUser, held: HeldMemberships, by: Provisioner) -> Sequence[Event]:
    """Return the events of a user who loses an assigned role and all memberships."""
    username = user.user.username
    roles = {"old.role": Role.ADMINISTRATOR.value, "new.role": Role.USER.value}
    return [
        *([provisioning_event("user.update", username, by, roles)] if user.is_assigned_administrator else ()),
        *(
            # The provider in the detail is that of the group, as for every other change of its members.
            provisioning_event(
                "group_member.remove",
                group.name,
                by,
                {"user": username, "source": group.source, "provider": group.provider},
            )
            for group in held.groups
        ),
        *(
            provisioning_event(
                "membership.remove",
                username,
                by,
                {"old.tenant": tenant.name, "old.permission_set": tenant.permission_set},
                tenant_id=tenant.tenant_id,
            )
            for tenant in held.tenants
        ),
    ]
