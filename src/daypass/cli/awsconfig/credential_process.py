"""The command line that a profile names: written for a scope, and read back."""

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from daypass.cli.cache import request
from daypass.cli.runtime.errors import Refusal
from daypass.cli.runtime.home import expanded

_OUR_NAME = "daypass"


@dataclass(frozen=True, slots=True)
class Process:
    """Where a profile's keys come from; without a tenant it is admin access."""

    origin: str
    tenant: str | None
    token_file: str | None = None

    def command(
        self, flags: Mapping[str, str], environment: Mapping[str, str], *, by_name: bool = False
    ) -> str:
        """The value of credential_process, with what *flags* say about the way there."""
        words = [_program(environment, by_name=by_name), "aws", "--host", self.origin]
        words += ["--admin"] if self.tenant is None else ["--tenant", self.tenant]
        if "duration" in flags:
            words += ["--duration", flags["duration"]]
        ca_file = flags.get("ca_file") or environment.get("DAYPASS_CA_FILE", "").strip("\r\n")
        if ca_file and self.origin.startswith("https://"):
            words += ["--ca-file", _absolute(ca_file, environment)]
        if self.token_file is not None:
            words += ["--token-file", self.token_file]
        elif "interactive" in flags:
            words += ["--interactive"]
        return shlex.join(words)


def parse_command(command: str) -> Process | None:
    """What such a command line asks for; None if it is none of ours."""
    try:
        program, *words = shlex.split(command)
    except ValueError:
        return None
    if Path(program).name != _OUR_NAME or not words or words[0] not in ("aws", "jit"):
        return None
    flags = request.read_flags(words[1:] if words[0] == "aws" else words[2:])
    if flags is None or "host" not in flags or not ("admin" in flags or "tenant" in flags):
        return None
    try:
        origin = request.read_origin(flags["host"])
    except Refusal:
        return None
    return Process(origin, None if "admin" in flags else flags["tenant"], flags.get("token_file"))


SYSTEM_PATH = os.confstr("CS_PATH") or os.defpath
"""The PATH of programs that no shell starts, such as services and IDEs: the least that POSIX promises."""


def _program(environment: Mapping[str, str], *, by_name: bool) -> str:
    """Return how AWS tools start us: by name where every program finds us by it, else by absolute path."""
    if by_name or _is_us(shutil.which(_OUR_NAME, path=SYSTEM_PATH)):
        return _OUR_NAME
    found = shutil.which(_OUR_NAME, path=environment.get("PATH"))
    # The path on the PATH outlives an upgrade that replaces what it links to.
    return str(Path(found if found is not None and _is_us(found) else sys.argv[0]).absolute())


def _is_us(found: str | None) -> bool:
    return found is not None and Path(found).resolve() == Path(sys.argv[0]).resolve()


def _absolute(path: str, environment: Mapping[str, str]) -> str:
    return str(Path(expanded(path, environment)).absolute())
