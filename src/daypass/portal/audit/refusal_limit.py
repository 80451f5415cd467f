"""The rate limit for records of refusals and alerts: the first are recorded, the rest are counted."""

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from daypass.portal.audit.chain import Event, Scalar

RECORDED = 30
"""Refusals of one actor, action and reason that are recorded in each window."""

WINDOW = timedelta(minutes=1)

SUPPRESSED = "audit.suppressed"
"""The action of the event that says how many were counted."""

AT_ONCE = 100
"""Counts that one commit takes: a request that was refused does not wait for those of thousands of users."""

_UNWRITTEN = 10_000
"""Counts that wait for a database; beyond that, the oldest are lost."""

_Subject = tuple[str | None, str, str]
"""Actor, action and the refusal's code: a flood of one kind hides no other kind."""


@dataclass(slots=True)
class _Window:
    began_at: datetime
    actor: str
    outcome: str
    refused: int = 0


class RefusalLimit:
    """Counts refusals by subject, in this process; safe to use from many threads."""

    def __init__(self) -> None:
        # Ordered by their beginning, since all are equally long.
        self._windows: dict[_Subject, _Window] = {}
        # Counts whose commit failed.
        self._unwritten: deque[Event] = deque(maxlen=_UNWRITTEN)
        self._lock = threading.Lock()

    def admit(self, event: Event, now: datetime) -> bool:
        """Return whether the refusal is to be recorded; if not, it is counted."""
        subject = (event.actor_id, event.action, str(event.detail.get("code", "")))
        with self._lock:
            window = self._windows.setdefault(subject, _Window(now, event.actor, event.outcome))
            window.refused += 1
            return window.refused <= RECORDED

    @property
    def has_counts(self) -> bool:
        """True if refusals were counted that are in no event yet."""
        with self._lock:
            return bool(self._unwritten) or any(
                window.refused > RECORDED for window in self._windows.values()
            )

    def take_counts(self, now: datetime | None) -> Sequence[Event]:
        """Return an event for each window that is over and had refusals counted; `AT_ONCE` at most.

        Without *now* all windows are over. Each is returned once, and again if it is put back.
        """
        counts: list[Event] = []
        with self._lock:
            while self._unwritten and len(counts) < AT_ONCE:
                counts.append(self._unwritten.popleft())
            while self._windows and len(counts) < AT_ONCE:
                subject, window = next(iter(self._windows.items()))
                # A clock that was set back must not make a window last for hours.
                if now is not None and abs(now - window.began_at) < WINDOW:
                    break
                del self._windows[subject]
                if window.refused > RECORDED:
                    counts.append(_count(subject, window))
        return counts

    def put_back(self, counts: Sequence[Event]) -> None:
        """Keep counts whose commit failed, for the next one."""
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
    return Event(SUPPRESSED, actor_id, window.actor, None, action, window.outcome, detail, "")
