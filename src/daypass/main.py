"""The console script: kept keys before all imports, fresh ones before click, else what the words name."""

import os
import sys
from time import time  # noqa: TID251  now() is the one place of the CLI that reads it

WINGS = {
    "portal": (
        "daypass.portal.commands.group:portal",
        "server",
        "Run the portal: serve, migrate, create-admin.",
    ),
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
    if sys.platform == "win32":
        # Before anything is imported that Windows lacks, such as fcntl.
        sys.stderr.write("daypass: Windows is not supported; run daypass in WSL (wsl --install).\n")
        return 6
    words = sys.argv[1:]
    _occupy_closed_streams()
    flags = _flags_for_keys(words)
    if flags is not None:
        answer = _cached_answer(flags)
        if answer is not None:
            _end_with(answer)
        from daypass.cli.runtime.exit_status import exit_code_of

        # As below: everything is closed and flushed, and the interpreter need not be taken apart.
        os._exit(exit_code_of(lambda: _print_keys(flags), words))
    from daypass.cli.app import run

    return run(words, WINGS, now)


def now() -> float:
    """The present moment by this machine's clock, in seconds since 1970."""
    return time()


def _flags_for_keys(words: list[str]) -> dict[str, str] | None:
    """The flags of `daypass aws …` and `daypass jit aws …`; None where only click may judge."""
    if words[:1] == ["aws"]:
        from daypass.cli.cache import request

        return request.read_flags(words[1:])
    if words[:2] == ["jit", "aws"]:
        from daypass.cli.cache import request

        flags = request.read_flags(words[2:])
        return None if flags is None else request.from_duploctl(flags)
    return None


def _cached_answer(flags: dict[str, str]) -> bytes | None:
    """The kept answer; None if there is none, or if anything at all is unclear."""
    from daypass.cli.cache import entries, request

    # On GitHub, whoever hands out a secret also has it hidden from the log.
    if request.NO_CACHE in flags or "GITHUB_ACTIONS" in os.environ:
        return None
    try:
        wanted = request.parse_request(flags, os.environ)
        with entries.opened(entries.folder(os.environ)) as directory:
            entry = entries.read(directory, wanted.key())
    except (ValueError, OSError):
        # Whatever is wrong is said by the slow path, which meets it again.
        return None
    return entry.answer if entry is not None and entry.is_good(now()) else None


def _print_keys(flags: dict[str, str]) -> None:
    from daypass.cli.credentials.provider import print_keys

    print_keys(flags, now)


def _occupy_closed_streams() -> None:
    """Let no file or socket get the number of a closed standard stream: keys would be written into it."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            # The lowest free number is this one. Read-only, so that writing still fails.
            os.open(os.devnull, os.O_RDONLY)


def _end_with(answer: bytes) -> None:
    """Print the answer and exit; return if it cannot be written, which the slow path then reports."""
    try:
        os.write(1, answer)
    except BrokenPipeError:
        # Whoever asked is gone already.
        os._exit(1)
    except OSError:
        return
    # Nothing is open and nothing buffered; tidying up the interpreter takes longer than all of the above.
    os._exit(0)
