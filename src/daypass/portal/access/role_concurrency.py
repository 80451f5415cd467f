"""A limit of concurrent attempts per role, so that one slow role cannot occupy every thread.

An attempt has its slot from before the plan until AWS has answered.
"""

import threading
from collections import deque
from collections.abc import Callable
from types import TracebackType

from daypass.portal.errors import Overloaded

Wake = Callable[[], None]

UNLIMITED = 1_000_000
"""The limit for one-off commands, which run no concurrent requests."""


class RoleBusy(Overloaded):
    """All slots of the role are in use; nothing was recorded and AWS was not called."""

    def __init__(self, concurrency: "RoleConcurrency", role_arn: str, used: int) -> None:
        super().__init__(
            f"AWS answers slowly for the role {role_arn.rpartition('/')[2]}: {used} requests for it are "
            "already in progress. Try again in a moment."
        )
        self.concurrency = concurrency
        self.role_arn = role_arn


class RoleConcurrency:
    """A thread-safe limit on concurrent attempts per role, with a bounded FIFO queue.

    `slots_per_role` is the number of slots of each role, `max_waiting` the maximum length of its queue. No
    method blocks: a queued request registers a callback. The key is the role's ARN, which names the account,
    so roles of the same name in two accounts have slots of their own.
    """

    def __init__(self, slots_per_role: int = UNLIMITED, max_waiting: int = 0) -> None:
        self.slots_per_role = slots_per_role
        self._max_waiting = max_waiting
        self._lock = threading.Lock()
        self._used_slots: dict[str, int] = {}
        self._queues: dict[str, deque[Wake]] = {}

    def acquire(self, role_arn: str) -> "RoleSlot":
        """Acquire a slot of the role, as a context manager; raises `RoleBusy` if all are in use."""
        with self._lock:
            used = self._used_slots.get(role_arn, 0)
            if used >= self.slots_per_role:
                raise RoleBusy(self, role_arn, used)
            self._used_slots[role_arn] = used + 1
        return RoleSlot(self, role_arn)

    def queue(self, role_arn: str, wake: Wake) -> bool:
        """Register *wake* to be called when a slot is free, perhaps at once; False if the queue is full."""
        with self._lock:
            queue = self._queues.setdefault(role_arn, deque())
            if len(queue) >= self._max_waiting:
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
        """Wake the first request in the queue if a slot is free.

        A woken request that ends without acquiring its slot must call this, or the next one is never woken.
        """
        with self._lock:
            queue = self._queues.get(role_arn)
            if not queue or self._used_slots.get(role_arn, 0) >= self.slots_per_role:
                return
            wake = queue.popleft()
            self._forget_if_empty(role_arn, queue)
        wake()

    def used_slots(self, role_arn: str) -> int:
        """Return the number of slots of the role in use."""
        return self._used_slots.get(role_arn, 0)

    @property
    def waiting(self) -> int:
        """The number of requests in the queues of all roles."""
        with self._lock:
            return sum(map(len, self._queues.values()))

    def release(self, role_arn: str) -> None:
        """Release one slot; called once by each `RoleSlot`."""
        with self._lock:
            used = self._used_slots[role_arn] - 1
            # Removed at zero: roles come and go with tenants, and the dictionary must not grow for ever.
            if used:
                self._used_slots[role_arn] = used
            else:
                del self._used_slots[role_arn]
        if self._queues:
            self.wake_next(role_arn)

    def _forget_if_empty(self, role_arn: str, queue: deque[Wake]) -> None:
        if not queue:
            del self._queues[role_arn]


class RoleSlot:
    """One acquired slot of a role; a context manager that releases it."""

    __slots__ = ("_concurrency", "_is_held", "_role_arn")

    def __init__(self, concurrency: RoleConcurrency, role_arn: str) -> None:
        self._concurrency = concurrency
        self._role_arn = role_arn
        self._is_held = True

    def __enter__(self) -> "RoleSlot":
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.release()

    def release(self) -> None:
        """Release the slot before the context ends; does nothing if it is released already."""
        if self._is_held:
            self._is_held = False
            self._concurrency.release(self._role_arn)
