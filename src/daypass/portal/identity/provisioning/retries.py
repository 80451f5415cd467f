"""Changes that are planned on what was read before, and planned anew if it is changed before their commit."""

from collections.abc import Callable

from daypass.portal.errors import PreconditionFailed


class Stale(PreconditionFailed):
    """A resource that a change was planned on was changed before the commit."""


def retry_while_stale(attempt: Callable[[], None], tries: int, kind: str) -> None:
    """Call *attempt* until it does not raise `Stale`, at most *tries* times; then raise `PreconditionFailed`.

    *kind* is the kind of the changed resource in the message, such as `user`.
    """
    for _ in range(tries):
        try:
            attempt()
        except Stale:
            continue
        return
    raise PreconditionFailed(f"The {kind} is being changed by others at the same time. Try again.")


def check_tag(expected: str | None, tag: str, kind: str) -> None:
    """Raise `PreconditionFailed` if a client expects another tag (RFC 7644, section 3.14).

    It is called in each attempt, so that a change between two of them does not slip past `If-Match`.
    """
    if expected is not None and expected != tag:
        raise PreconditionFailed(f"The {kind} was changed in the meantime. Load it again.")
