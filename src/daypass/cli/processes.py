"""The command line that a profile names: written for a scope, and read back."""

import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from daypass.cli import ask
from daypass.cli.errors import Refusal
from daypass.cli.home import expanded


@dataclass(frozen=True, slots=True)
class Process:
    """Where a profile's keys come from; without a tenant it is admin access."""

    origin: str
    tenant: str | None
    token_file: str | None = None

    def command(self, flags: Mapping[str, str], environment: Mapping[str, str]) -> str:
        """The value of credential_process, with what *flags* say about the way there."""
        words = [_program(), "aws", "--host", self.origin]
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


def understood(command: str) -> Process | None:
    """What such a command line asks for; None if it is none of ours."""
    try:
        program, *words = shlex.split(command)
    except ValueError:
        return None
    if Path(program).name != "daypass" or not words or words[0] not in ("aws", "jit"):
        return None
    flags = ask.read_flags(words[1:] if words[0] == "aws" else words[2:])
    if flags is None or "host" not in flags or not ("admin" in flags or "tenant" in flags):
        return None
    try:
        origin = ask.read_origin(flags["host"])
    except Refusal:
        return None
    return Process(origin, None if "admin" in flags else flags["tenant"], flags.get("token_file"))


def _program() -> str:
    """How AWS tools find us: by name where the PATH leads to us, else by path."""
    ours = Path(sys.argv[0]).absolute()
    found = shutil.which("daypass")
    if found is not None and (Path(found).absolute() == ours or Path(found).resolve() == ours.resolve()):
        return "daypass"
    return str(ours)


def _absolute(path: str, environment: Mapping[str, str]) -> str:
    return str(Path(expanded(path, environment)).absolute())
