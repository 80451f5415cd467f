"""The command line in a profile's credential_process: building and parsing it."""

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from daypass.cli.cache import request
from daypass.cli.identity.selection import FILE_PREFIX
from daypass.cli.runtime.errors import Refusal
from daypass.cli.runtime.home import expanded

_OUR_NAME = "daypass"


@dataclass(frozen=True, slots=True)
class ProfileCommand:
    """The source of a profile's keys: a portal, and a tenant or (None) admin access."""

    origin: str
    tenant: str | None
    token_file: str | None = None

    def command(
        self, flags: Mapping[str, str], environment: Mapping[str, str], *, by_name: bool = False
    ) -> str:
        """Return the value of credential_process, with the duration, set and connection of *flags*."""
        arguments = [_program(environment, by_name=by_name), "aws", "--host", self.origin]
        arguments += ["--admin"] if self.tenant is None else ["--tenant", self.tenant]
        if "duration" in flags:
            arguments += ["--duration", flags["duration"]]
        if permission_set := request.permission_set_of(flags):
            arguments += ["--permission-set", permission_set]
        ca_file = flags.get("ca_file") or environment.get("DAYPASS_CA_FILE", "").strip("\r\n")
        if ca_file and self.origin.startswith("https://"):
            arguments += ["--ca-file", _absolute(ca_file, environment)]
        if "identity" in flags:
            arguments += ["--identity", _identity(flags["identity"], environment)]
        if "service_account" in flags:
            arguments += ["--service-account", flags["service_account"]]
        if self.token_file is not None:
            arguments += ["--token-file", self.token_file]
        elif "interactive" in flags:
            arguments += ["--interactive"]
        return shlex.join(arguments)


def parse_command(command: str) -> ProfileCommand | None:
    """Return the process of a command line, or None if it is not one of `daypass`."""
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
    return ProfileCommand(origin, None if "admin" in flags else flags["tenant"], flags.get("token_file"))


SYSTEM_PATH = os.confstr("CS_PATH") or os.defpath
"""The PATH of programs that are not started by a shell, such as services and IDEs: the POSIX default."""


def _program(environment: Mapping[str, str], *, by_name: bool) -> str:
    """Return the program to run: `daypass` if every program finds it by name, else its absolute path."""
    if by_name or _is_us(shutil.which(_OUR_NAME, path=SYSTEM_PATH)):
        return _OUR_NAME
    on_path = shutil.which(_OUR_NAME, path=environment.get("PATH"))
    # The link on the PATH stays valid after an upgrade that replaces its target.
    return str(Path(on_path if on_path is not None and _is_us(on_path) else sys.argv[0]).absolute())


def _is_us(program: str | None) -> bool:
    return program is not None and Path(program).resolve() == Path(sys.argv[0]).resolve()


def _identity(choice: str, environment: Mapping[str, str]) -> str:
    """Return the value of --identity with the path of a file made absolute."""
    path = choice.removeprefix(FILE_PREFIX)
    return choice if path == choice else FILE_PREFIX + _absolute(path, environment)


def _absolute(path: str, environment: Mapping[str, str]) -> str:
    return str(Path(expanded(path, environment)).absolute())
