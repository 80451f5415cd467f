"""What of this machine matters: environment, AWS CLI, config files, cache, and files with tokens."""

import os
import re
import shlex
import shutil
import stat
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from daypass.cli import cache, configfile, processes
from daypass.cli.awsconfig.paths import config_path, credentials_path
from daypass.cli.errors import Refusal
from daypass.cli.findings import Finding, bad, good, notable
from daypass.cli.home import expanded
from daypass.cli.profiles import Config, Section
from daypass.cli.scrub import without_secrets

_HONOURS_ENDPOINTS = {1: (1, 29, 0), 2: (2, 13, 0)}
"""From these versions on the AWS CLI takes endpoints from the environment and from profiles."""

_LEGACY = ("duploctl", "duplo-jit", "duplo-aws-credential-process")


def findings(environment: Mapping[str, str]) -> Iterator[Finding]:
    """What there is to say about this machine."""
    yield from _environment(environment)
    yield _aws_cli(environment)
    yield from _config(environment)
    yield from _cache(environment)


def _environment(environment: Mapping[str, str]) -> Iterator[Finding]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        if environment.get(name):
            sentence = f"{name} is set, so AWS tools take keys from there and not from a profile."
            yield notable("environment", sentence, 'eval "$(daypass env --unset)"')
            return


def _aws_cli(environment: Mapping[str, str]) -> Finding:
    program = shutil.which("aws", path=environment.get("PATH"))
    if program is None:
        return notable("AWS CLI", "there is none on the PATH.", "pip install awscli")
    try:
        said = subprocess.run(  # noqa: S603  the AWS CLI itself
            [program, "--version"], capture_output=True, text=True, timeout=20, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        said = ""
    found = re.match(r"aws-cli/(\d+)\.(\d+)\.(\d+)", said)
    if found is None:
        return notable("AWS CLI", f"{program} does not tell its version.", f"{program} --version")
    version = tuple(int(number) for number in found.groups())
    text = f"{program}, version {'.'.join(found.groups())}"
    if version < _HONOURS_ENDPOINTS.get(version[0], (0,)):
        sentence = f"{text}, which takes no endpoints from profiles or environment."
        return notable(
            "AWS CLI", sentence, "aws --endpoint-url …    # where you need one, or a newer AWS CLI"
        )
    return good("AWS CLI", text)


def _config(environment: Mapping[str, str]) -> Iterator[Finding]:
    try:
        path, credentials = config_path(environment), credentials_path(environment)
    except Refusal as refusal:
        yield bad("AWS config", str(refusal), "export HOME=…")
        return
    try:
        config, static = Config(configfile.read(path)), Config(configfile.read(credentials))
    except Refusal as refusal:
        yield bad("AWS config", str(refusal), f"ls -l {path} {credentials}")
        return
    names = [section.profile for section in config.sections if section.profile]
    with_static_keys = {section.header for section in static.sections if "aws_access_key_id" in section.names}
    count = 0
    faults: list[Finding] = [
        bad("AWS config", f"the profile {name} is in {path} twice.", f"{_editor(environment)} {path}")
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    for section in config.sections:
        command = section.value("credential_process") or ""
        if not any(program in command for program in ("daypass", *_LEGACY)):
            continue
        count += 1
        faults += _faults_of(section, command, path, environment)
        if section.profile in with_static_keys:
            sentence = f"the profile {section.profile} has keys in {credentials}, and they win over daypass."
            faults.append(bad("AWS config", sentence, f"{_editor(environment)} {credentials}"))
    yield from faults
    if not faults:
        yield good("AWS config", f"{path}, {count} {'profile' if count == 1 else 'profiles'} of ours")


def _faults_of(
    section: Section, command: str, path: Path, environment: Mapping[str, str]
) -> Iterator[Finding]:
    name = section.profile or section.header
    edit = f"{_editor(environment)} {shlex.quote(str(path))}"
    if section.profile is None:
        sentence = f"the section [{section.header}] in {path} is no profile to AWS tools."
        yield bad("AWS config", sentence, f"# write it as [profile {section.header}]:  {edit}")
    if without_secrets(f" {command}") != f" {command}":
        sentence = f"the profile {name} holds a token, which every program that reads {path} can take."
        yield bad("AWS config", sentence, f"# have it put into a file of its own:  {_moved(command, name)}")
    try:
        program, *_ = shlex.split(command)
    except ValueError:
        yield bad("AWS config", f"the command of the profile {name} has an open quote.", edit)
        return
    if shutil.which(program, path=environment.get("PATH")) is None:
        yield bad("AWS config", f"the profile {name} runs {program}, which is not there.", edit)
    elif Path(program).name in _LEGACY:
        sentence = f"the profile {name} runs {program}, which keeps keys where others may read them."
        yield notable("AWS config", sentence, f"# put daypass in the place of {program}:  {edit}")
    process = processes.understood(command)
    if process is not None and process.token_file is not None:
        yield from _private_file(Path(process.token_file), str(name), environment)


def _moved(command: str, name: str | None) -> str:
    scope = "--admin" if "--admin" in command else "--tenant …"
    return f"daypass configure {scope} --profile {shlex.quote(name or 'default')} --token …"


def _private_file(path: Path, profile: str, environment: Mapping[str, str]) -> Iterator[Finding]:
    try:
        path = Path(expanded(str(path), environment))
        mode = path.stat().st_mode
    except Refusal as refusal:
        yield bad("token file", f"of the profile {profile}: {refusal}", "export HOME=…")
        return
    except OSError as error:
        sentence = f"the profile {profile} names the token file {path}: {error.strerror}."
        yield bad("token file", sentence, f"ls -l {shlex.quote(str(path))}")
        return
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield bad("token file", f"{path} can be read by others.", f"chmod 600 {shlex.quote(str(path))}")


def _cache(environment: Mapping[str, str]) -> Iterator[Finding]:
    try:
        path = cache.folder(environment)
    except cache.Unfit as unfit:
        yield notable("cache", f"keys are not cached: {unfit}.", "export DAYPASS_CACHE_DIR=…")
        return
    quoted = shlex.quote(path)
    try:
        with cache.opened(path) as directory:
            loose = []
            for name in os.listdir(directory.descriptor):  # noqa: PTH208  the folder that is held open
                if not name.endswith(cache.ENTRY):
                    continue
                try:
                    cache.read(directory, name.removesuffix(cache.ENTRY))
                except ValueError as unfit:
                    loose.append(f"{name}: {unfit}")
    except FileNotFoundError:
        yield good("cache", f"{path}, made when it is needed")
        return
    except cache.Unfit as unfit:
        yield bad("cache", f"{path} is not used: {unfit}.", f"chmod 700 {quoted}")
        return
    except OSError as error:
        yield bad("cache", f"{path} is not used: {error.strerror}.", f"rm {quoted}")
        return
    if loose:
        yield bad("cache", f"in {path}, {'; '.join(loose)}.", "daypass cache clear")
    else:
        yield good("cache", f"{path}, private")


def _editor(environment: Mapping[str, str]) -> str:
    return environment.get("EDITOR") or "nano"
