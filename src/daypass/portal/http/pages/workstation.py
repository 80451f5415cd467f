"""AWS access from a workstation: the profile for `~/.aws/config`, and the commands to install and test it."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from daypass.common.package import PUBLIC_NAME, install_target


@dataclass(frozen=True, slots=True)
class Client:
    """A program that supplies credentials to the AWS CLI."""

    name: str
    lines: str
    """The profile for `~/.aws/config`."""
    install: str
    source: str
    """The source of the package; empty if it is the public package index."""
    clone: str
    """The install command in a clone of the repository; empty if the public package index has the package."""
    test: str


@dataclass(frozen=True, slots=True)
class Workstation:
    """The set-up of a workstation for one scope."""

    clients: Sequence[Client]


@dataclass(frozen=True, slots=True)
class Workstations:
    """Makes the set-up of workstations, with host, region and scope filled in."""

    public_url: str
    version: str
    region: str
    endpoint_url: str | None
    """The AWS endpoint, if it is not the public one."""

    def tenant(self, name: str, region: str, permission_set: str | None = None) -> Workstation:
        """Return the set-up for one tenant; duploctl cannot request a permission set."""
        return self._of(name, region, ("--tenant", name), permission_set)

    def admin(self) -> Workstation:
        """Return the set-up for the master role."""
        return self._of("admin", self.region, ("--admin",))

    def _of(
        self, profile: str, region: str, scope: Sequence[str], permission_set: str | None = None
    ) -> Workstation:
        narrowed = () if permission_set is None else ("--permission-set", permission_set)
        test = shlex.join(("aws", "sts", "get-caller-identity", "--profile", profile))
        source, clone = ("", "") if PUBLIC_NAME else ("The wheel of a Daypass release.", "pipx install .")
        daypass_lines = self._lines("daypass", profile, region, (*scope, *narrowed))
        install = f"pipx install {install_target(self.version)}"
        daypass = Client("daypass", daypass_lines, install, source, clone, test)
        if narrowed:
            return Workstation([daypass])
        duploctl_lines = self._lines("duploctl", profile, region, scope)
        return Workstation(
            [daypass, Client("duploctl", duploctl_lines, "pipx install duplocloud-client", "", "", test)]
        )

    def _lines(self, program: str, profile: str, region: str, scope: Sequence[str]) -> str:
        process = shlex.join((program, "jit", "aws", "--host", self.public_url, *scope, "--interactive"))
        endpoint = [] if self.endpoint_url is None else [f"endpoint_url={self.endpoint_url}"]
        lines = [f"region={region}", "output=json", *endpoint, f"credential_process={process}"]
        return "\n".join([f"[profile {profile}]", *lines])
