"""A change of the AWS config file: writes and removes profiles and checks that AWS tools use them."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from daypass.cli.awsconfig import file
from daypass.cli.awsconfig.credential_process import ProfileCommand, parse_command
from daypass.cli.awsconfig.profile_specs import ProfileSpec
from daypass.cli.awsconfig.profiles import Config, Profile
from daypass.cli.awsconfig.reader import load_credentials, parse
from daypass.cli.awsconfig.sources import AwsFiles
from daypass.cli.runtime import private_files
from daypass.cli.runtime.errors import UsageError
from daypass.cli.runtime.home import expanded


@dataclass(frozen=True, slots=True)
class Change:
    """A change that can be applied to any content, so that it can be retried after a concurrent change."""

    origin: str
    flags: Mapping[str, str]
    specs: Sequence[ProfileSpec]
    path: Path
    overwrites_region: bool = False
    endpoint_url: str | None = None
    has_no_access_to: Callable[[ProfileCommand], bool] | None = None
    """If set, profiles that Daypass wrote are removed if it returns true for their process."""
    by_name: bool = False
    """If true, profiles name daypass without its path, even if some programs cannot find it so."""
    skips_conflicts: bool = False
    """If true, profiles with a conflict are skipped; otherwise a conflict raises `UsageError`."""
    skipped: dict[str, str] = field(default_factory=dict)
    """The skipped profiles and the reasons, set by `apply`."""
    pruned: dict[str, str] = field(default_factory=dict)
    """The removed profiles and their commands, set by `apply`."""

    def apply(self, content: bytes) -> bytes:
        """Return the new content of the file; raises `Refusal` if AWS tools would not use the profiles."""
        _refuse_pipes(self.flags)
        files = AwsFiles(parse(content, self.path), load_credentials(os.environ))
        config = Config(content)
        self.pruned.clear()
        self.pruned.update(config.prune(self._is_revoked))
        self.skipped.clear()
        for profile in map(self._profile, self.specs):
            try:
                files.require_no_conflict(profile.name)
                config.put(profile, overwrites_region=self.overwrites_region)
            except UsageError as conflict:
                if not self.skips_conflicts:
                    raise
                self.skipped[profile.name] = str(conflict)
        changed = config.to_bytes()
        self._check(AwsFiles(parse(changed, self.path), files.credentials))
        return changed

    def save(self) -> bool:
        """Change the file and the token files; return whether the config file changed."""
        # A dry run, so that an error leaves no token file behind.
        self.apply(file.read(self.path))
        if "token" in self.flags:
            for spec in self.written:
                private_files.write(token_file_of(self.origin, spec.name), self.flags["token"] + "\n")
        is_changed = file.change(self.path, self.apply, os.environ)
        for name in self.pruned:
            token_file_of(self.origin, name).unlink(missing_ok=True)
        return is_changed

    @property
    def written(self) -> Sequence[ProfileSpec]:
        """The profiles that were not skipped, known after `apply`."""
        return [spec for spec in self.specs if spec.name not in self.skipped]

    def _check(self, files: AwsFiles) -> None:
        for profile in map(self._profile, self.written):
            files.check(profile.name, profile.command)

    def _profile(self, spec: ProfileSpec) -> Profile:
        process = ProfileCommand(self.origin, spec.tenant, self._token_file(spec))
        command = process.command(self.flags, os.environ, by_name=self.by_name)
        if not command.isprintable():
            raise UsageError(
                "A path or a duration has characters that cannot be written into the AWS config file."
            )
        return Profile(spec.name, command, spec.region, self.endpoint_url)

    def _token_file(self, spec: ProfileSpec) -> str | None:
        if "token" in self.flags:
            return str(token_file_of(self.origin, spec.name))
        named = self.flags.get("token_file")
        return str(Path(expanded(named, os.environ)).absolute()) if named else None

    def _is_revoked(self, command: str) -> bool:
        process = parse_command(command)
        return (
            self.has_no_access_to is not None
            and process is not None
            and process.origin == self.origin
            and self.has_no_access_to(process)
        )


def token_file_of(origin: str, profile: str) -> Path:
    """Return the path of the private file with the token of a profile."""
    plain = "".join(letter if letter.isalnum() or letter in "-._" else "_" for letter in profile)
    host = origin.partition("://")[2].replace(":", "_")
    return private_files.folder(os.environ) / "tokens" / f"{host}-{plain}.token"


def _refuse_pipes(flags: Mapping[str, str]) -> None:
    for named in (flags.get("token_file"), flags.get("ca_file")):
        path = Path(expanded(named, os.environ)) if named else None
        if path is not None and path.exists() and not (path.is_file() or path.is_dir()):
            raise UsageError(
                f"A profile cannot name {named}: it is not a regular file and is gone when AWS tools run."
            )
