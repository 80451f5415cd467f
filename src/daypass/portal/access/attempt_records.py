"""Builders of the audit event and the database row for each state of an attempt.

Both are always committed together.
"""

import json
from datetime import timedelta

from daypass.portal.access.model import Allow, IssuanceRecord, IssuedSession, State, Validity
from daypass.portal.access.plan import IssuanceAttempt, SessionPlan
from daypass.portal.access.session_names import printable
from daypass.portal.access.store.issuances import (
    AttemptRow,
    add_attempt,
    limited_by_rule,
    set_outcome,
    set_unknown_outcome,
)
from daypass.portal.audit.event import PORTAL, Event, Outcome, Scalar
from daypass.portal.audit.issuance_check import SESSION_ISSUE
from daypass.portal.errors import PortalError
from daypass.portal.identity.scopes import recorded_scope
from daypass.portal.permission_sets.model import PermissionSet
from daypass.portal.storage.unit_of_work import RowChange
from daypass.portal.tenants.model import Access

OUTCOME_UNKNOWN = "outcome_unknown"
"""The failure code of an attempt for which no outcome was recorded in time."""

_LONGEST_REASON = 500


def denied(attempt: IssuanceAttempt, refusal: PortalError) -> tuple[Event, RowChange]:
    """Return the event and row of an attempt that ended before its intent.

    The portal refused it, or AWS could not be reached for the properties of the role.
    """
    row = _row(attempt, None, State.DENIED, refusal.code)
    return _event(attempt, Outcome.DENIED, code=refusal.code), add_attempt(row)


def requested(attempt: IssuanceAttempt, plan: SessionPlan) -> tuple[Event, RowChange]:
    """Return the event and row of the intent, to be committed before AssumeRole is called."""
    event = _event(attempt, Outcome.REQUESTED, **_access_and_validity(plan.permission_set, plan.validity))
    return event, add_attempt(_row(attempt, plan, State.REQUESTED))


def issued(attempt: IssuanceAttempt, session: IssuedSession) -> tuple[Event, RowChange]:
    """Return the event and row of success, to be committed before the credentials are released."""
    key = session.credentials.access_key_id
    change = set_outcome(
        attempt.id,
        State.ISSUED,
        session.validity,
        expires_at=session.expires_at,
        access_key_id=key,
        is_attributed=session.is_attributed,
    )
    event = _event(
        attempt,
        Outcome.ISSUED,
        access_key_id=key,
        session_name=session.session_name,
        expires_at=session.expires_at.isoformat(),
        is_attributed=session.is_attributed,
        has_console_url=session.console_url is not None,
        **_access_and_validity(session.permission_set, session.validity),
    )
    return event, change


def failed(attempt: IssuanceAttempt, plan: SessionPlan, code: str) -> tuple[Event, RowChange]:
    """Return the event and row of an attempt that failed after its intent, with nothing released."""
    change = set_outcome(attempt.id, State.FAILED, plan.validity, failure=code)
    return _event(attempt, Outcome.FAILED, code=code), change


def unknown(attempt: IssuanceRecord) -> tuple[Event, RowChange]:
    """Return the event and row that close an abandoned attempt."""
    event = Event(
        action=SESSION_ISSUE,
        actor=PORTAL,
        outcome=Outcome.UNKNOWN,
        subject=attempt.id,
        tenant_id=attempt.tenant_id,
        detail={
            "scope": recorded_scope(attempt.scope, attempt.tenant_name),
            "role_arn": attempt.role_arn,
            "username": attempt.username,
            "requested_at": attempt.asked_at.isoformat(),
            "code": OUTCOME_UNKNOWN,
        },
    )
    return event, set_unknown_outcome(attempt.id, OUTCOME_UNKNOWN)


def _row(
    attempt: IssuanceAttempt, plan: SessionPlan | None, state: State, failure: str | None = None
) -> AttemptRow:
    caller, tenant, workload = attempt.caller, attempt.tenant, attempt.context.workload
    # A denied attempt has no plan. The columns of the plan are NOT NULL, so its row stores "", 0 and "" in
    # them, and `issuance_record` reads both texts as None.
    return {
        "id": attempt.id,
        "user_id": caller.user.id,
        "username": caller.user.username,
        "scope": attempt.request.scope.kind.value,
        "tenant_id": None if tenant is None else tenant.id,
        "tenant_name": attempt.tenant_name,
        "role_arn": attempt.target.role_arn,
        "access": "" if plan is None else plan.access,
        "permission_set": None if plan is None else plan.permission_set.name,
        "purpose": attempt.request.purpose,
        "door": caller.channel,
        "token_id": caller.token.id,
        "address": caller.address,
        "reason": printable(attempt.request.reason, _LONGEST_REASON),
        "state": state,
        "failure": failure,
        "asked_at": attempt.asked_at,
        "validity": 0 if plan is None else _seconds(plan.validity.duration),
        "decided_by": "" if plan is None else plan.validity.deciding_limit.source,
        "session_tags": _stored_tags(attempt),
        "workload_rule": None if workload is None else workload.rule_name,
        "is_limited_by_rule": None if plan is None else limited_by_rule(plan.validity),
    }


def _stored_tags(attempt: IssuanceAttempt) -> str | None:
    workload = attempt.context.workload
    return None if workload is None else json.dumps(dict(workload.session_tags))


def _event(attempt: IssuanceAttempt, outcome: Outcome, **details: Scalar) -> Event:
    caller = attempt.caller
    return Event(
        action=SESSION_ISSUE,
        actor=caller.actor,
        outcome=outcome,
        subject=attempt.id,
        tenant_id=attempt.tenant_id,
        detail={
            "scope": recorded_scope(attempt.request.scope.kind, attempt.tenant_name),
            "role_arn": attempt.target.role_arn,
            "purpose": attempt.request.purpose,
            "door": caller.channel,
            "address": caller.address,
            "token_id": caller.token.id,
            "reason": printable(attempt.request.reason, _LONGEST_REASON),
            **_group(attempt),
            **_workload_facts(attempt),
            **details,
        },
    )


def _group(attempt: IssuanceAttempt) -> dict[str, Scalar]:
    """Return the group whose membership allows the attempt, if one does."""
    decision = attempt.context.decision
    group = decision.entitlement.group if isinstance(decision, Allow) else None
    return {} if group is None else {"group": group.name, "group_id": group.id}


def _workload_facts(attempt: IssuanceAttempt) -> dict[str, Scalar]:
    """Return the rule of a workload and the values of its session tags; nothing for other callers."""
    workload = attempt.context.workload
    if workload is None:
        return {}
    tags = {f"tag.{name}": value for name, value in workload.tags.items()}
    return {"workload_rule": workload.rule_name, **tags}


def _access_and_validity(permission_set: PermissionSet, validity: Validity) -> dict[str, Scalar]:
    return {
        "access": Access.of(permission_set),
        "permission_set": permission_set.name,
        "validity": _seconds(validity.duration),
        "decided_by": validity.deciding_limit.source,
        **({"limited_by_rule": True} if limited_by_rule(validity) else {}),
    }


def _seconds(length: timedelta) -> int:
    return length // timedelta(seconds=1)
