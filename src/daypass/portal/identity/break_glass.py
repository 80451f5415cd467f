"""The alert about each use of the break-glass account.

That account is the local Administrator for the time when no identity provider answers. It is made by the
operator's command only.
"""

import structlog

from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import Event, Outcome
from daypass.portal.identity.providers.base import SignInContext
from daypass.portal.identity.store.users import SignInRecord
from daypass.portal.telemetry.metrics import BREAK_GLASS_USES

_ACTION = "break_glass.use"
OK = "ok"

_log = structlog.get_logger("portal.identity")


def alert_about_use(
    committer: Committer, record: SignInRecord, action: str, result: str, context: SignInContext
) -> None:
    """Record a password of the break-glass account that was checked, or not checked any more.

    *action* is that of the event of the sign-in, and *result* is `OK` or the error code. A use with the right
    password is always recorded, before there is a session; wrong ones up to the rate limit of refusals.
    """
    BREAK_GLASS_USES.count(result)
    _log.warning(
        "The break-glass account was used.",
        user=record.user.username,
        action=action,
        outcome=result,
        address=context.address,
        request_id=context.request_id,
    )
    event = Event(
        action=_ACTION,
        actor=record.user.as_actor(context.request_id),
        outcome=Outcome.ALERT,
        subject=record.user.username,
        detail={"of": action, "result": result, "address": context.address},
    )
    commit = committer.commit if result == OK else committer.commit_rate_limited
    commit(event)
