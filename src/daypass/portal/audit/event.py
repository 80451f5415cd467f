"""Audit events: records of actions, each with its author, object and outcome."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Scalar = str | int | bool | None


class Outcome(StrEnum):
    """The outcome of an event. The values are stored and are part of each event's hash, so they are fixed."""

    DONE = "done"
    DENIED = "denied"
    """The action was refused. An attempt to get AWS access has this outcome if it ended before its intent."""
    FAILED = "failed"
    """The action failed, such as a sign-in with a wrong password.

    An attempt to get AWS access has this outcome if it ended after its intent, also because the user's access
    was withdrawn meanwhile.
    """
    ALERT = "alert"
    """An unusual request that was not refused."""
    REQUESTED = "requested"
    """The intent of an attempt to get AWS access, recorded before AssumeRole is called."""
    ISSUED = "issued"
    """AWS credentials were released."""
    UNKNOWN = "unknown"
    """No outcome of the attempt was recorded in time. Its process may have ended, or may only be slow."""


@dataclass(frozen=True, slots=True)
class Actor:
    """The author of an action, as written to the audit log, and the HTTP request that it came with."""

    id: str | None
    """The user's id; None for an actor that is no user."""
    name: str
    request_id: str = ""


OPERATOR = Actor(None, "operator")
"""The actor for commands that are run on the portal's own host."""

PORTAL = Actor(None, "daypass")
"""The actor of the portal's background work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An audit event. It must not contain secrets."""

    action: str
    actor: Actor
    outcome: Outcome
    subject: str = ""
    """The name or id of the object of the action."""
    tenant_id: str | None = None
    detail: Mapping[str, Scalar] = field(default_factory=dict)
