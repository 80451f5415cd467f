"""Checks of this machine: environment, AWS CLI, config files, cache, and files with tokens."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping

from daypass.cli.cache import files
from daypass.cli.cache.credentials import Credentials
from daypass.cli.diagnostics import awsconfig_checks
from daypass.cli.diagnostics.finding import Finding, bad, good, notable, run_check

_HONOURS_ENDPOINTS = {1: (1, 29, 0), 2: (2, 13, 0)}
"""The first versions of the AWS CLI that read endpoints from the environment and from profiles."""


def findings(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Yield the findings about this machine."""
    yield from run_check("environment", lambda: _environment(environment))
    yield from run_check("AWS CLI", lambda: [_aws_cli(environment)])
    yield from run_check("AWS config", lambda: awsconfig_checks.findings(environment))
    yield from run_check("cache", lambda: _cache(environment))


def _environment(environment: Mapping[str, str]) -> Iterator[Finding]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        if environment.get(name):
            sentence = f"{name} is set, so AWS tools take keys from there and not from a profile."
            yield notable("environment", sentence, 'eval "$(daypass env --unset)"')
            # One finding is enough, because its command unsets all of them.
            return


def _aws_cli(environment: Mapping[str, str]) -> Finding:
    program = shutil.which("aws", path=environment.get("PATH"))
    if program is None:
        return notable("AWS CLI", "not found on the PATH.", "pip install awscli")
    try:
        output = subprocess.run(  # noqa: S603  the AWS CLI itself
            [program, "--version"],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=20,
            check=False,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        output = ""
    match = re.match(r"aws-cli/(\d+)\.(\d+)\.(\d+)", output)
    if match is None:
        return notable("AWS CLI", f"{program} does not print its version.", f"{program} --version")
    version = tuple(int(number) for number in match.groups())
    text = f"{program}, version {'.'.join(match.groups())}"
    # A major version that is not in the table is newer than this program.
    if version < _HONOURS_ENDPOINTS.get(version[0], (0,)):
        sentence = f"{text}, which reads no endpoints from profiles or the environment."
        return notable(
            "AWS CLI", sentence, "aws --endpoint-url …    # where you need one, or a newer AWS CLI"
        )
    return good("AWS CLI", text)


def _cache(environment: Mapping[str, str]) -> Iterator[Finding]:
    try:
        path = files.folder(environment)
    except files.UnsafeCacheFile as error:
        yield notable("cache", f"keys are not cached: {error}.", "export DAYPASS_CACHE_DIR=…")
        return
    quoted = shlex.quote(path)
    try:
        with files.open_private_folder(path) as directory:
            unsafe = []
            for key in files.keys_in(directory, Credentials):
                try:
                    files.read(directory, key, Credentials)
                except ValueError as error:
                    unsafe.append(f"{key}{Credentials.SUFFIX}: {error}")
    except FileNotFoundError:
        yield good("cache", f"{path}, created when needed")
        return
    except files.UnsafeCacheFile as error:
        yield bad("cache", f"{path} is not used: {error}.", f"chmod 700 {quoted}")
        return
    except OSError as error:
        yield bad("cache", f"{path} is not used: {error.strerror}.", f"rm {quoted}")
        return
    if unsafe:
        yield bad("cache", f"in {path}, {'; '.join(unsafe)}.", "daypass cache clear")
    else:
        yield good("cache", f"{path}, private")
