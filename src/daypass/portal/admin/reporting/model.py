"""The records and filters of reports: sessions, audit events, and the last verification of the log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from daypass.portal.access.model import Channel, State
from daypass.portal.identity.model import UserId
from daypass.portal.tenants.model import TenantId


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """One audit event with all its fields."""

    chain_id: str
    position: int
    at: datetime
    action: str
    actor_id: str | None
    actor: str
    tenant_id: str | None
    subject: str
    outcome: str
    detail: str
    """Canonical JSON, exactly the text that was hashed."""
    request_id: str
    hash: bytes

    @property
    def id(self) -> str:
        """The event's id: its chain and its position there."""
        return f"{self.chain_id}-{self.position}"


@dataclass(frozen=True, slots=True)
class EventQuery:
    """A filter of events; None matches any value."""

    actor_id: UserId | None = None
    actor: str | None = None
    """The username of an actor; finds deleted users too."""
    tenant_id: TenantId | None = None
    action: str | None = None
    outcome: str | None = None
    subject: str | None = None
    request_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class SessionQuery:
    """A filter of sessions; None matches any value."""

    user_id: UserId | None = None
    username: str | None = None
    tenant_id: TenantId | None = None
    state: State | None = None
    door: Channel | None = None
    since: datetime | None = None
    until: datetime | None = None
    live_at: datetime | None = None
    """Only sessions that have not ended by this time."""


@dataclass(frozen=True, slots=True)
class VerificationProgress:
    """The state of a verification."""

    began_at: datetime
    total: int = 0
    """The number of events at the beginning."""
    done: int = 0
    ended_at: datetime | None = None
    """None while it runs."""
    problems: Sequence[str] | None = None
    """None while it runs, and if it could not be finished."""
    refusal: str = ""
    """The reason if it could not be finished."""

    @property
    def is_running(self) -> bool:
        """Whether it is still running."""
        return self.ended_at is None

    @property
    def percent(self) -> int:
        """The progress in percent, at most 99."""
        # Once all events are read, the issuances are still compared with them.
        return min(99, 100 * self.done // self.total) if self.total else 0
