"""AWS access from a person's own computer: the lines for `~/.aws/config`, and the commands around them."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from daypass.common.package import PUBLIC_NAME, install_target


@dataclass(frozen=True, slots=True)
class Client:
    """A program that gives the AWS CLI its keys."""

    name: str
    lines: str
    """The profile, as it goes into `~/.aws/config`."""
    install: str
    source: str
    """Where the package comes from, if not from the public package index; else empty."""
    clone: str
    """The command that installs it in a clone of the repository; empty if the public package index has it."""
    test: str


@dataclass(frozen=True, slots=True)
class Workstation:
    """What a workstation needs to reach AWS as one scope."""

    clients: Sequence[Client]


@dataclass(frozen=True, slots=True)
class Workstations:
    """Fills in host, region and scope."""

    public_url: str
    version: str
    region: str
    endpoint_url: str | None
    """Where AWS is, if not where everybody's AWS is."""

    def tenant(self, name: str, region: str) -> Workstation:
        """Access to one tenant."""
        return self._of(name, region, ("--tenant", name))

    def admin(self) -> Workstation:
        """Access by the master role."""
        return self._of("admin", self.region, ("--admin",))

    def _of(self, profile: str, region: str, scope: Sequence[str]) -> Workstation:
        test = shlex.join(("aws", "sts", "get-caller-identity", "--profile", profile))
        source, clone = ("", "") if PUBLIC_NAME else ("The wheel of a Daypass release.", "pipx install .")
        programs = (
            ("daypass", f"pipx install {install_target(self.version)}", source, clone),
            ("duploctl", "pipx install duplocloud-client", "", ""),
        )
        return Workstation(
            [
                Client(program, self._lines(program, profile, region, scope), install, source, clone, test)
                for program, install, source, clone in programs
            ]
        )

    def _lines(self, program: str, profile: str, region: str, scope: Sequence[str]) -> str:
        process = shlex.join((program, "jit", "aws", "--host", self.public_url, *scope, "--interactive"))
        endpoint = [] if self.endpoint_url is None else [f"endpoint_url={self.endpoint_url}"]
        lines = [f"region={region}", "output=json", *endpoint, f"credential_process={process}"]
        return "\n".join([f"[profile {profile}]", *lines])
