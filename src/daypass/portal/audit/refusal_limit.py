"""A rate limit for audit events of refusals and alerts: those beyond the limit are counted instead."""

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from daypass.portal.audit.event import Actor, Event, Outcome, Scalar

RECORDED = 30
"""The number of refusals with the same actor, action and code that are recorded in each window."""

WINDOW = timedelta(minutes=1)

SUPPRESSED = "audit.suppressed"
"""The action of the event that reports the number of refusals not recorded."""

AT_ONCE = 100
"""The most counts in one commit, so that no request waits for the counts of thousands of users."""

_UNWRITTEN = 10_000
"""The most counts kept while the database is unavailable; the oldest are dropped."""

_Subject = tuple[str | None, str, str]
"""Actor id, action and error code; each combination has its own limit, so none can hide another."""


@dataclass(slots=True)
class _Window:
    began_at: datetime
    actor: str
    outcome: Outcome
    refused: int = 0


class RefusalLimit:
    """A thread-safe, per-process counter of refusals by subject."""

    def __init__(self) -> None:
        # In the order of their start, and so of their end, because all windows have the same length.
        self._windows: dict[_Subject, _Window] = {}
        # Counts whose commit failed.
        self._unwritten: deque[Event] = deque(maxlen=_UNWRITTEN)
        self._lock = threading.Lock()

    def admit(self, event: Event, now: datetime) -> bool:
        """Count the refusal; return whether it is within the limit and must be recorded."""
        subject = (event.actor.id, event.action, str(event.detail.get("code", "")))
        with self._lock:
            window = self._windows.setdefault(subject, _Window(now, event.actor.name, event.outcome))
            window.refused += 1
            return window.refused <= RECORDED

    @property
    def has_suppression_counts(self) -> bool:
        """Whether there are counts that no event reports yet."""
        with self._lock:
            return bool(self._unwritten) or any(
                window.refused > RECORDED for window in self._windows.values()
            )

    def take_suppression_counts(self, now: datetime | None) -> Sequence[Event]:
        """Remove the windows that are over and return an event for each that exceeded the limit.

        Returns at most `AT_ONCE` events, those that were put back first. If *now* is None, all windows count
        as over.
        """
        counts: list[Event] = []
        with self._lock:
            while self._unwritten and len(counts) < AT_ONCE:
                counts.append(self._unwritten.popleft())
            while self._windows and len(counts) < AT_ONCE:
                subject, window = next(iter(self._windows.items()))
                # `abs`, because a clock that was set back must not make a window last for hours.
                if now is not None and abs(now - window.began_at) < WINDOW:
                    break
                del self._windows[subject]
                if window.refused > RECORDED:
                    counts.append(_count(subject, window))
        return counts

    def put_back(self, counts: Sequence[Event]) -> None:
        """Return counts whose commit failed, to be taken again."""
        with self._lock:
            self._unwritten.extend(counts)


def _count(subject: _Subject, window: _Window) -> Event:
    actor_id, action, code = subject
    detail: Mapping[str, Scalar] = {
        "code": code,
        "count": window.refused - RECORDED,
        "since": window.began_at.isoformat(),
        "until": (window.began_at + WINDOW).isoformat(),
    }
    return Event(
        action=SUPPRESSED,
        actor=Actor(actor_id, window.actor),
        outcome=window.outcome,
        subject=action,
        detail=detail,
    )
