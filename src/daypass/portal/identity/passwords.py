"""Password hashing with argon2id, in constant time for unknown users."""

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

# One hash takes 19 MiB and a core for about 30 ms: many sign-ins at once must not exhaust the machine.
_hash_slots = threading.BoundedSemaphore(2)

# A waiting sign-in occupies one of the portal's threads, and most of those must be free for AWS access.
_queue_slots = threading.BoundedSemaphore(16)

# A hash that no password matches, so that an unknown user costs the same time.
_DUMMY = _hasher.hash("\0 no password is this one \0")


def check_password(password: Secret) -> None:
    """Return if *password* has an acceptable length; raise `InvalidRequest` otherwise."""
    if not _SHORTEST <= len(password.reveal()) <= _LONGEST:
        raise InvalidRequest(f"A password has {_SHORTEST} to {_LONGEST} characters.")


def hash_password(password: Secret) -> str:
    """Return the argon2id hash of a password."""
    with _hash_slots, unpinned():
        return _hasher.hash(_typed(password))


def new_password_hash(password: Secret) -> str:
    """Validate a new password and return its hash; raises `InvalidRequest`."""
    check_password(password)
    return hash_password(password)


@contextmanager
def hash_queue_slot() -> Iterator[None]:
    """Hold a place in the queue for hashing; raises `Overloaded` if the queue is full."""
    if not _queue_slots.acquire(blocking=False):
        raise Overloaded("Too many users are signing in at the moment. Try again in a moment.")
    try:
        yield
    finally:
        _queue_slots.release()


def verify_password(stored: str | None, password: Secret) -> bool:
    """Return whether *password* matches the hash *stored*; takes the same time if there is none."""
    with _hash_slots, unpinned():
        try:
            _hasher.verify(stored or _DUMMY, _typed(password))
        except (VerificationError, InvalidHashError):
            return False
    return bool(stored)


def _typed(password: Secret) -> bytes:
    # JSON can carry a lone surrogate, which strict UTF-8 does not encode.
    return password.reveal().encode(errors="surrogatepass")
