"""A limit of concurrent AWS calls per role, so that one slow role cannot occupy every thread."""

import threading
from collections import deque
from collections.abc import Callable
from types import TracebackType

from daypass.portal.errors import Overloaded

Wake = Callable[[], None]

UNLIMITED = 1_000_000
"""For one-off commands, which have no other callers to protect."""


class RoleBusy(Overloaded):
    """The role's share of concurrent AWS calls is in use; nothing was recorded and AWS was not called."""

    def __init__(self, shares: "RoleConcurrency", role_arn: str, calls: int) -> None:
        super().__init__(
            f"AWS answers slowly for the role {role_arn.rpartition('/')[2]}: {calls} requests for it are "
            "waiting for AWS already. Try again in a moment."
        )
        self.shares = shares
        self.role_arn = role_arn


class RoleConcurrency:
    """Counts the AWS calls under way per role; safe to use from many threads.

    `most` is the number of concurrent calls for one role, `most_waiting` the length of its queue.
    No method blocks.
    """

    def __init__(self, most: int = UNLIMITED, most_waiting: int = 0) -> None:
        self.most = most
        self._most_waiting = most_waiting
        self._lock = threading.Lock()
        self._calls: dict[str, int] = {}
        self._queues: dict[str, deque[Wake]] = {}

    def hold(self, role_arn: str) -> "RoleSlot":
        """Take a share of the role; raises `RoleBusy` if all are in use. Leaving the context releases it."""
        with self._lock:
            calls = self._calls.get(role_arn, 0)
            if calls >= self.most:
                raise RoleBusy(self, role_arn, calls)
            self._calls[role_arn] = calls + 1
        return RoleSlot(self, role_arn)

    def queue(self, role_arn: str, wake: Wake) -> bool:
        """Have *wake* called once a share is free, which may be now; False if the queue is full."""
        with self._lock:
            queue = self._queues.setdefault(role_arn, deque())
            if len(queue) >= self._most_waiting:
                return False
            queue.append(wake)
        self.wake_next(role_arn)
        return True

    def leave(self, role_arn: str, wake: Wake) -> None:
        """Remove *wake* from the queue, if it is still there."""
        with self._lock:
            queue = self._queues.get(role_arn)
            if queue is not None and wake in queue:
                queue.remove(wake)
                self._forget_if_empty(role_arn, queue)

    def wake_next(self, role_arn: str) -> None:
        """Wake the first in the queue if a share is free.

        Also to be called when a woken request ended without taking its share, or the next one sleeps on.
        """
        with self._lock:
            queue = self._queues.get(role_arn)
            if not queue or self._calls.get(role_arn, 0) >= self.most:
                return
            wake = queue.popleft()
            self._forget_if_empty(role_arn, queue)
        wake()

    def calls(self, role_arn: str) -> int:
        """Return the number of AWS calls under way for the role."""
        return self._calls.get(role_arn, 0)

    def release(self, role_arn: str) -> None:
        """Return a share; `RoleSlot` does so once."""
        with self._lock:
            left = self._calls[role_arn] - 1
            # Roles come and go with their tenants: the table keeps only those in use.
            if left:
                self._calls[role_arn] = left
            else:
                del self._calls[role_arn]
        if self._queues:
            self.wake_next(role_arn)

    def _forget_if_empty(self, role_arn: str, queue: deque[Wake]) -> None:
        if not queue:
            del self._queues[role_arn]


class RoleSlot:
    """One share of a role, to be used as a context."""

    __slots__ = ("_is_held", "_role_arn", "_shares")

    def __init__(self, shares: RoleConcurrency, role_arn: str) -> None:
        self._shares = shares
        self._role_arn = role_arn
        self._is_held = True

    def __enter__(self) -> "RoleSlot":
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.release()

    def release(self) -> None:
        """Release the share before the context ends; does nothing the second time."""
        if self._is_held:
            self._is_held = False
            self._shares.release(self._role_arn)
