"""Passwords: argon2id, and as slow for a user who does not exist."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from daypass.portal.cpu_affinity import unpinned
from daypass.portal.errors import InvalidRequest, Overloaded
from daypass.portal.secret import Secret

_SHORTEST = 12
_LONGEST = 256

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)

# Each takes 19 MiB and a core for some 30 ms: a crowd at the door must not take the machine.
_hash_slots = threading.BoundedSemaphore(2)

# Whoever waits for a turn holds one of the portal's threads, and most of those are for AWS access.
_queue_slots = threading.BoundedSemaphore(16)

# The hash of nothing anybody can type, so that an unknown user costs the same time.
_DUMMY = _hasher.hash("\0 no password is this one \0")


def check_password(password: Secret) -> None:
    """Return when *password* may be somebody's; else refuse it."""
    if not _SHORTEST <= len(password.reveal()) <= _LONGEST:
        raise InvalidRequest(f"A password has {_SHORTEST} to {_LONGEST} characters.")


def hash_password(password: Secret) -> str:
    """What is stored in place of a password."""
    with _hash_slots, unpinned():
        return _hasher.hash(_typed(password))


def new_password_hash(password: Secret) -> str:
    """What is stored of a password that somebody is to have; refuses one that nobody should."""
    check_password(password)
    return hash_password(password)


@contextmanager
def hash_queue_slot() -> Iterator[None]:
    """A place among those whose password is looked at next; raises `Overloaded` when all are taken."""
    if not _queue_slots.acquire(blocking=False):
        raise Overloaded("Too many people are signing in just now. Try again in a moment.")
    try:
        yield
    finally:
        _queue_slots.release()


def verify_password(stored: str | None, password: Secret) -> bool:
    """Whether *password* is the one that was stored; takes the same time when none was."""
    with _hash_slots, unpinned():
        try:
            _hasher.verify(stored or _DUMMY, _typed(password))
        except (VerificationError, InvalidHashError):
            return False
    return bool(stored)


def _typed(password: Secret) -> bytes:
    # JSON can carry half a character, which has no bytes of its own.
    return password.reveal().encode(errors="surrogatepass")
