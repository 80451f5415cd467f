"""Checks of `daypass doctor` on AWS's configuration files and our profiles in them."""

import shlex
import shutil
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from daypass.cli.awsconfig import credential_process, file
from daypass.cli.awsconfig.paths import config_path
from daypass.cli.awsconfig.profiles import Config, Section
from daypass.cli.awsconfig.reader import UnreadableFile, load, load_credentials
from daypass.cli.awsconfig.sources import OUR_PROGRAMS, PROCESS, AwsFiles, intended_profile, proper_header
from daypass.cli.diagnostics.finding import Finding, bad, good, notable
from daypass.cli.runtime.errors import Refusal
from daypass.cli.runtime.home import expanded
from daypass.cli.runtime.redaction import without_secrets
from daypass.common.counting import counted

_ABOUT = "AWS config"
_LEGACY = tuple(program for program in OUR_PROGRAMS if program != "daypass")


def findings(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Read both files as the AWS tools do; yield the problems that keep them from using our profiles."""
    try:
        path = config_path(environment)
    except Refusal as refusal:
        yield bad(_ABOUT, str(refusal), "export HOME=…")
        return
    try:
        files = AwsFiles(load(path), load_credentials(environment))
        sections = Config(file.read(path)).sections
    except UnreadableFile as error:
        yield bad(_ABOUT, error.finding, f"# {error.remedy}")
        return
    except Refusal as refusal:
        yield bad(_ABOUT, str(refusal), f"ls -l {path}")
        return
    check = _Check(path, files, environment)
    ours = [section for section in sections if _is_ours(section)]
    problems = [
        *check.duplicates(sections),
        *(problem for section in ours for problem in check.problems(section)),
    ]
    yield from problems
    if not problems:
        yield good(_ABOUT, f"{path}, {counted(len(ours), 'profile')} of ours")


def _is_ours(section: Section) -> bool:
    return any(program in (section.value(PROCESS) or "") for program in OUR_PROGRAMS)


@dataclass(frozen=True, slots=True)
class _Check:
    path: Path
    files: AwsFiles
    environment: Mapping[str, str]

    def duplicates(self, sections: list[Section]) -> Iterator[Finding]:
        """Yield profiles that occur twice, with differently spelled headers such as [profile 'x']."""
        names = [section.profile for section in sections if section.profile]
        for name in sorted({name for name in names if names.count(name) > 1}):
            sentence = f"the profile {name} occurs twice in {self.path}, and only the later section counts."
            yield bad(_ABOUT, sentence, self._edit(self.path))

    def problems(self, section: Section) -> Iterator[Finding]:
        """Yield the problems of one of our profiles."""
        command = section.value(PROCESS) or ""
        if section.profile is None:
            proper = proper_header(intended_profile(section.header or ""))
            sentence = f"the section [{section.header}] in {self.path} is not a profile for AWS tools."
            yield bad(_ABOUT, sentence, f"# write it as {proper}:  {self._edit(self.path)}")
        elif conflict := self.files.conflict(section.profile):
            yield bad(_ABOUT, conflict.sentence, self._edit(conflict.path))
        name = section.profile or section.header
        # With a space, because a short flag such as `-t` counts only after one.
        if without_secrets(f" {command}") != f" {command}":
            sentence = (
                f"the profile {name} holds a token, which each program that reads {self.path} can take."
            )
            yield bad(
                _ABOUT,
                sentence,
                f"# have it put into a file of its own:  {_configure_command(command, name)}",
            )
        yield from self._program(name, command)
        process = credential_process.parse_command(command)
        if process is not None and process.token_file is not None:
            yield from self._token_file(process.token_file, str(name))

    def _program(self, name: str | None, command: str) -> Iterator[Finding]:
        try:
            program, *_ = shlex.split(command)
        except ValueError:
            sentence = f"the command of the profile {name} has an open quote."
            yield bad(_ABOUT, sentence, self._edit(self.path))
            return
        if shutil.which(program, path=self.environment.get("PATH")) is None:
            sentence = f"the profile {name} runs {program}, which does not exist."
            yield bad(_ABOUT, sentence, self._edit(self.path))
        elif Path(program).name not in _LEGACY:
            if shutil.which(program, path=credential_process.SYSTEM_PATH) is None:
                sentence = (
                    f"the profile {name} runs {program} by its name, and programs without your shell's PATH "
                    "(services, IDEs) do not find it."
                )
                yield notable(_ABOUT, sentence, f"# write its absolute path:  {self._edit(self.path)}")
        else:
            sentence = f"the profile {name} runs {program}, which keeps keys where others may read them."
            fix = f"# put daypass in the place of {program}:  {self._edit(self.path)}"
            yield notable(_ABOUT, sentence, fix)

    def _token_file(self, named: str, profile: str) -> Iterator[Finding]:
        try:
            path = Path(expanded(named, self.environment))
        except Refusal as refusal:
            yield bad("token file", f"of the profile {profile}: {refusal}", "export HOME=…")
            return
        try:
            mode = path.stat().st_mode
        except OSError as error:
            sentence = f"the profile {profile} names the token file {named}: {error.strerror}."
            yield bad("token file", sentence, f"ls -l {shlex.quote(str(path))}")
            return
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            yield bad("token file", f"{path} can be read by others.", f"chmod 600 {shlex.quote(str(path))}")

    def _edit(self, path: Path) -> str:
        return f"{self.environment.get('EDITOR') or 'nano'} {shlex.quote(str(path))}"


def _configure_command(command: str, name: str | None) -> str:
    scope = "--admin" if "--admin" in command else "--tenant …"
    return f"daypass configure {scope} --profile {shlex.quote(name or 'default')} --token …"
