"""The console script. Serves cached credentials before any other import, and credentials before click."""

import os
import sys
from time import time  # noqa: TID251  now() is the one place of the CLI that reads it

TYPE_CHECKING = False
if TYPE_CHECKING:
    from daypass.cli.cache.request import CredentialRequest

EXTRA_COMMANDS = {
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
"""For each command group outside the CLI: its location, the extras it needs, and its help text."""


def main() -> int:
    """Run the command line and return its exit code."""
    if sys.platform == "win32":
        # Checked before the first import of a module that Windows lacks, such as fcntl.
        sys.stderr.write("daypass: Windows is not supported; run daypass in WSL (wsl --install).\n")
        return 6
    words = sys.argv[1:]
    _occupy_closed_streams()
    flags = _flags_for_keys(words)
    if flags is not None:
        wanted = _parse(flags)
        answer = _cached_answer(flags, wanted)
        if answer is not None:
            _end_with(answer)
        from daypass.cli.runtime.exit_status import exit_code_of

        # As in _end_with: everything is closed and flushed, so the interpreter's shutdown is skipped.
        os._exit(exit_code_of(lambda: _print_keys(flags, wanted), words))
    from daypass.cli.app import run

    return run(words, EXTRA_COMMANDS, now)


def now() -> float:
    """Return the current time of this machine's clock, in seconds since 1970."""
    return time()


def _flags_for_keys(words: list[str]) -> dict[str, str] | None:
    """Return the flags of `daypass aws …` or `daypass jit aws …`; None if click must parse the line."""
    if words[:1] == ["aws"]:
        from daypass.cli.cache import request

        return request.read_flags(words[1:])
    if words[:2] == ["jit", "aws"]:
        from daypass.cli.cache import request

        flags = request.read_flags(words[2:])
        return None if flags is None else request.from_duploctl(flags)
    return None


def _parse(flags: dict[str, str]) -> "CredentialRequest | None":
    """Return the request; None if it is refused, which parsing it again in `_print_keys` reports."""
    from daypass.cli.cache import request

    try:
        return request.parse_request(flags, os.environ)
    except ValueError:
        return None


def _cached_answer(flags: dict[str, str], wanted: "CredentialRequest | None") -> bytes | None:
    """Return the cached answer; None if there is none or if it cannot be determined safely."""
    from daypass.cli.cache import files, request
    from daypass.cli.cache.credentials import Credentials

    # On GitHub Actions, credentials must be masked in the log before they are printed.
    if wanted is None or request.NO_CACHE in flags or "GITHUB_ACTIONS" in os.environ:
        return None
    try:
        with files.open_private_folder(files.folder(os.environ)) as directory:
            cached = files.read(directory, wanted.key(), Credentials)
    except (ValueError, OSError):
        # The slow path runs into the same error and reports it.
        return None
    return cached.answer if cached is not None and cached.is_served(now()) else None


def _print_keys(flags: dict[str, str], wanted: "CredentialRequest | None") -> None:
    from daypass.cli.credentials.provider import print_keys

    print_keys(flags, now, wanted)


def _occupy_closed_streams() -> None:
    """Occupy closed standard streams, so that no file or socket opened later gets their numbers.

    Otherwise credentials meant for stdout would be written into that file.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            # `open` takes the lowest free number, which is this one. Read-only, so that writing still fails.
            os.open(os.devnull, os.O_RDONLY)


def _end_with(answer: bytes) -> None:
    """Print the answer and exit; return only if it cannot be written, which the slow path then reports."""
    try:
        os.write(1, answer)
    except BrokenPipeError:
        # The reader of the pipe has ended already.
        os._exit(1)
    except OSError:
        return
    # Nothing is open or buffered, and shutting the interpreter down takes longer than all of the above.
    os._exit(0)
