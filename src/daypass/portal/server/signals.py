"""Signals as items of an event loop: none is missed between a check and a wait."""

import select
import signal
import socket
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress


class SignalQueue:
    """The signals that the process received, readable at a descriptor."""

    def __init__(self, reading: socket.socket, writing: socket.socket) -> None:
        self._reading = reading
        self._writing = writing

    def fileno(self) -> int:
        """Return the descriptor, which becomes readable with a signal."""
        return self._reading.fileno()

    def descriptors(self) -> tuple[int, int]:
        """Return both descriptors, which a forked process closes."""
        return self._reading.fileno(), self._writing.fileno()

    def receive(self) -> list[int]:
        """Return the numbers of the signals since the last call."""
        try:
            return list(self._reading.recv(4096))
        except BlockingIOError:
            return []


@contextmanager
def pending_signals(numbers: Iterable[signal.Signals]) -> Iterator[None]:
    """Keep these signals pending until `queued_signals` takes them; without it they would end the process."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def queued_signals(numbers: Iterable[signal.Signals]) -> Iterator[SignalQueue]:
    """Queue these signals instead of their usual effect, until the block ends."""
    reading, writing = socket.socketpair()
    with reading, writing:
        reading.setblocking(False)
        writing.setblocking(False)
        before = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
        # The number is written to the descriptor only for signals that have a handler.
        handlers = {number: signal.signal(number, lambda *_: None) for number in numbers}
        mask = signal.pthread_sigmask(signal.SIG_UNBLOCK, handlers)
        try:
            yield SignalQueue(reading, writing)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            for number, handler in handlers.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(before)


def is_terminal_gone() -> bool:
    """Return whether stderr is a terminal that has been closed, which sends SIGHUP too."""
    stream = sys.__stderr__
    with suppress(OSError, ValueError):
        if stream is None or not stream.isatty():
            return False
        poll = select.poll()
        poll.register(stream.fileno(), 0)
        return any(events & (select.POLLHUP | select.POLLERR) for _, events in poll.poll(0))
    return False
