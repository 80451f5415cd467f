"""The console script: a cached answer before all imports, else the wing that the first word names."""

import os
import sys
from time import time  # noqa: TID251  now() is the one place of the CLI that reads it

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

WINGS = {
    "portal": ("daypass.portal.commands:portal", "server", "Run the portal: serve, migrate, create-admin."),
    "sandbox": ("daypass.sandbox.commands:sandbox", "sandbox", "Run an AWS that fits on a laptop."),
    "demo": (
        "daypass.demo.commands:demo",
        "server,sandbox",
        "Run sandbox and portal together, seeded and proven.",
    ),
}
"""What lives beside the CLI: where to find it, the extra it needs, and what it is for."""


def main() -> int:
    """Answer the command line; the result is the exit code."""
    words = sys.argv[1:]
    answer = _cached_answer(words)
    if answer is not None:
        _end_with(answer)
    from daypass.cli.app import run

    return run(words, WINGS, now)


def now() -> float:
    """The present moment by this machine's clock, in seconds since 1970."""
    return time()


def _cached_answer(words: list[str]) -> bytes | None:
    """The kept answer to `daypass aws …`; None if there is none, or if anything at all is unclear."""
    if words[:1] == ["aws"]:
        words = words[1:]
    elif words[:2] == ["jit", "aws"]:
        words = words[2:]
    else:
        return None
    # There, whoever hands out a secret also has it hidden from the log.
    if "GITHUB_ACTIONS" in os.environ:
        return None

    from daypass.cli import ask, cache

    try:
        flags = ask.read_flags(words)
        if flags is None or ask.NO_CACHE in flags:
            return None
        wanted = ask.understand(flags, os.environ)
        with cache.opened(cache.folder(os.environ)) as directory:
            entry = cache.read(directory, wanted.key())
    except (ValueError, OSError):
        # Whatever is wrong is said by the slow path, which meets it again.
        return None
    return entry.answer if entry is not None and entry.is_good(now()) else None


def _end_with(answer: bytes) -> "NoReturn":
    """Print the answer and be gone."""
    try:
        os.write(1, answer)
    except OSError:
        # Whoever asked is gone already.
        os._exit(1)
    # Nothing is open and nothing buffered; tidying up the interpreter takes longer than all of the above.
    os._exit(0)
