"""The sources from which AWS tools take a profile's keys, in botocore's order of precedence."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from daypass.cli.awsconfig.reader import AwsFile, Settings, profile_of
from daypass.cli.runtime.errors import Misconfigured, UsageError

PROCESS = "credential_process"

_PLAIN_NAME = re.compile(r"[^\s\[\]\"'\\#;]+")

OUR_PROGRAMS = ("daypass", "duploctl", "duplo-jit", "duplo-aws-credential-process")
"""Programs whose profiles `daypass configure` may overwrite."""

OTHER_SOURCES = (
    "aws_access_key_id",
    "credential_source",
    "login_session",
    "role_arn",
    "source_profile",
    "sso_account_id",
    "sso_role_name",
    "sso_session",
    "sso_start_url",
    "web_identity_token_file",
)
"""Settings with another source of keys; some AWS tools prefer them to credential_process."""


@dataclass(frozen=True, slots=True)
class Source:
    """The setting that gives a profile its keys, and the file that it is in."""

    setting: str
    value: str
    path: Path


@dataclass(frozen=True, slots=True)
class Conflict:
    """The reason why a profile must not get our credential_process, and the file to correct."""

    sentence: str
    path: Path


@dataclass(frozen=True, slots=True)
class AwsFiles:
    """The config file and the shared credentials file of the AWS tools."""

    config: AwsFile
    credentials: AwsFile

    def source_of(self, name: str) -> Source | None:
        """Return the setting from which botocore takes the profile's keys, or None."""
        shared, merged = (
            self._credentials_profile(name),
            {**self._config_profile(name), **self._credentials_profile(name)},
        )
        for setting in _by_precedence(merged, shared):
            # Settings of the credentials file override those of the config file.
            file = self.credentials if setting in shared else self.config
            value = merged[setting]
            return Source(setting, value if isinstance(value, str) else "", file.path)
        return None

    def conflict(self, name: str) -> Conflict | None:
        """Return the conflict that keeps AWS tools from using our credential_process, or None."""
        header = self._misspelled_header(name)
        if header is not None:
            return Conflict(
                f"The section [{header}] in {self.config.path} is not a profile for AWS tools. Write it as "
                f"{proper_header(name)}.",
                self.config.path,
            )
        own, shared = self._config_profile(name), self._credentials_profile(name)
        conflicting = [setting for setting in (*OTHER_SOURCES, PROCESS) if setting in shared]
        if conflicting:
            return Conflict(
                f"The profile {name} has {', '.join(conflicting)} in {self.credentials.path}, which AWS "
                "tools prefer. Remove that there, or choose another name for the profile.",
                self.credentials.path,
            )
        other = _foreign_process(own) or ", ".join(setting for setting in own if setting in OTHER_SOURCES)
        if other:
            return Conflict(
                f"The profile {name} gets its keys in another way ({other}). Remove that from "
                f"{self.config.path}, or choose another name for the profile.",
                self.config.path,
            )
        return None

    def require_no_conflict(self, name: str) -> None:
        """Raise `UsageError` if there is a conflict."""
        conflict = self.conflict(name)
        if conflict is not None:
            raise UsageError(conflict.sentence)

    def check(self, name: str, command: str) -> None:
        """Raise `Misconfigured` unless the AWS tools would run *command* for the profile."""
        source = self.source_of(name)
        if source != Source(PROCESS, command, self.config.path):
            actual = "nothing" if source is None else f"{source.setting} in {source.path}"
            raise Misconfigured(
                f"The AWS tools would take the keys of the profile {name} from {actual}. Nothing was changed."
            )

    def _config_profile(self, name: str) -> Settings:
        return self.config.profiles.get(name, {})

    def _credentials_profile(self, name: str) -> Settings:
        # In the credentials file, the header is the name, without the word "profile".
        return self.credentials.sections.get(name, {})

    def _misspelled_header(self, name: str) -> str | None:
        """Return the header of a section that the user probably meant for the profile, or None."""
        for header in self.config.sections:
            if profile_of(header) is None and intended_profile(header) == name and header != name:
                return header
        return None


def _by_precedence(merged: Settings, shared: Settings) -> Iterator[str]:
    """Yield the settings that botocore's credential providers use, in their order."""
    if "role_arn" in merged and "web_identity_token_file" not in merged:
        yield "role_arn"
    if merged.get("web_identity_token_file"):
        yield "web_identity_token_file"
    yield from (setting for setting in ("sso_role_name", "sso_account_id") if setting in merged)
    if "aws_access_key_id" in shared:
        yield "aws_access_key_id"
    yield from (setting for setting in ("login_session", PROCESS) if setting in merged)
    if "aws_access_key_id" in merged:
        yield "aws_access_key_id"


def _foreign_process(own: Settings) -> str:
    process = own.get(PROCESS)
    if not process or (isinstance(process, str) and any(name in process for name in OUR_PROGRAMS)):
        return ""
    return f"{PROCESS} = {process.split()[0]} …" if isinstance(process, str) else PROCESS


def proper_header(name: str) -> str:
    """Return the header of a profile in the config file."""
    if name == "default":
        return "[default]"
    return f"[profile {name}]" if _PLAIN_NAME.fullmatch(name) else f'[profile "{name}"]'


def intended_profile(header: str) -> str:
    """Return the profile that the user probably means by a header."""
    text = header.strip()
    if text[:7].lower() == "profile":
        text = text[7:]
    text = text.strip().strip("\"'")
    return "default" if text.lower() == "default" else text
