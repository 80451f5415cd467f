"""A terminal with an empty home directory and the tools on the PATH."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fixtures.demo import Demo, bare_environment

Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True, slots=True)
class Terminal:
    """Runs commands as a user would type them, with a running demo."""

    demo: Demo
    home: Path

    def run(self, *words: str, **environment: str) -> Done:
        """Run a command and return its exit code and output."""
        return subprocess.run(
            words,
            env=bare_environment(self.home, **environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def aws(self, profile: str, *words: str, **environment: str) -> Done:
        """Run the AWS CLI against the demo's AWS, with a profile of this home."""
        return self.run(
            "aws", "--endpoint-url", self.demo.aws_endpoint_url, "--profile", profile, *words, **environment
        )

    def daypass(self, username: str, *words: str, **environment: str) -> Done:
        """Run `daypass aws` as *username*."""
        return self.run(
            *("daypass", "aws", "--host", self.demo.portal_url, "--ca-file", self.demo.ca_file, *words),
            DAYPASS_TOKEN=self.demo.token(username),
            **environment,
        )

    def duploctl(self, username: str, *words: str, **environment: str) -> Done:
        """Run the unmodified duploctl as *username*, over TLS."""
        return self.run(
            *("duploctl", "--host", self.demo.portal_url, *words),
            DUPLO_TOKEN=self.demo.token(username),
            REQUESTS_CA_BUNDLE=self.demo.ca_file,
            **environment,
        )

    def write_profile(self, name: str, username: str, *scope: str) -> None:
        """Add a profile to ~/.aws/config whose keys come from daypass, the token from a file."""
        token = self.home / f"{username}.token"
        token.write_text(self.demo.token(username))
        token.chmod(0o600)
        words = ["daypass", "aws", "--host", self.demo.portal_url, "--ca-file", self.demo.ca_file]
        words += ["--token-file", str(token), *scope]
        config = self.home / ".aws" / "config"
        config.parent.mkdir(exist_ok=True)
        with config.open("a") as file:
            file.write(
                f"[profile {name}]\nregion = {self.demo.ready['region']}\noutput = json\n"
                f"credential_process = {' '.join(words)}\n"
            )


def json_output(done: Done) -> Any:  # noqa: ANN401  any JSON
    """Return the output of a command that must succeed, parsed as JSON."""
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)
