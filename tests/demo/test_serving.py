"""A serving demo: the printed commands work, and stopping it leaves no process behind."""

import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.demo.processes import of_folder
from tests.fixtures.demo import ANY_PORTS, DAYPASS, bare_environment
from tests.processes import children_of
from tests.waiting import wait_until

PATIENCE = 90.0


class Serving:
    """A demo in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "a folder" / "state"
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [DAYPASS, "demo", "--dir", str(self.state), *ANY_PORTS],
                env=bare_environment(folder),
                stdout=log,
                stderr=log,
            )

    @property
    def printed(self) -> str:
        return self.log.read_text()

    def wait_for(self, file: str) -> None:
        """Return when the demo has written *file* into its folder."""
        self._wait(lambda: (self.state / file).exists())

    def wait_until_it_serves(self) -> None:
        self._wait(lambda: "Serving until you press Ctrl-C." in self.printed)

    def stop(self, number: signal.Signals) -> int:
        """Send a signal to the demo alone; answers its exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def pasted(self, title: str, home: Path, *more: str) -> subprocess.CompletedProcess[str]:
        """Paste the lines under a heading, and then *more*, into another terminal with an empty home."""
        section = self.printed.split(f"\n{title}\n")[1].split("\n\n")[0]
        lines = re.findall(r"^    (\S.*)$", section, re.MULTILINE)
        assert lines, self.printed
        return subprocess.run(
            ["sh", "-c", "\n".join([*lines, *more])],
            env={"HOME": str(home), "PATH": os.defpath, "LANG": "C.UTF-8"},
            cwd=home,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def _wait(self, is_so: Callable[[], bool]) -> None:
        def condition() -> bool:
            assert self.process.poll() is None, self.printed
            return is_so()

        wait_until(condition, lambda: self.printed, PATIENCE)


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    """A demo that was just started; it is stopped after the test."""
    demo = Serving(tmp_path)
    yield demo
    demo.stop(signal.SIGTERM)


def test_the_printed_commands_work_until_ctrl_c(serving: Serving, tmp_path: Path) -> None:
    serving.wait_until_it_serves()

    aws = serving.pasted("The AWS CLI, in another terminal", tmp_path)
    assert (
        '"Arn": "arn:aws:sts::111122223333:assumed-role/duploservices-dev01/dana@example.com"' in aws.stdout
    )
    assert aws.stdout.count("welcome.txt") == 2, aws.stdout + aws.stderr
    assert aws.stderr.count("AccessDenied") == 1, aws.stderr
    assert serving.state.joinpath("dana@example.com.password").exists()

    bucket = "s3://duploservices-dev01-reports"
    first_day = serving.pasted(
        "The daypass command, in another terminal",
        tmp_path,
        # Without a browser, by a request.
        f"export DAYPASS_TOKEN=\"$(cat '{serving.state / 'dana@example.com.token'}')\"",
        # Debian's AWS CLI 2.9 does not know endpoint_url; the one of this environment does.
        f"export PATH='{Path(DAYPASS).parent}':\"$PATH\"",
        "daypass configure --all",
        f"daypass exec --tenant dev01 -- aws s3 cp {bucket}/welcome.txt -",
        f"env --unset=AWS_ENDPOINT_URL aws --profile dev01 s3 ls {bucket}",
    )
    assert "Welcome to duploservices-dev01-reports." in first_day.stdout, first_day.stderr
    assert first_day.returncode == 0, first_day.stderr

    duploctl = serving.pasted("The same through duploctl", tmp_path)
    assert '"SessionToken":' in duploctl.stdout, duploctl.stdout + duploctl.stderr

    operator = serving.pasted(
        "The operator's commands, in another terminal",
        tmp_path,
        f"'{Path(DAYPASS).parent / 'aws'}' --profile operator iam get-role --role-name duploservices-dev01",
    )
    assert "role/duploservices-dev01 is set up correctly." in operator.stdout, operator.stdout
    assert "\nNothing to do.\n" in operator.stdout, operator.stdout + operator.stderr
    assert re.search(r"register there is https://localhost:\d+/sign-in/oidc/demo/callback\.", operator.stdout)
    assert '"RoleName": "duploservices-dev01"' in operator.stdout, operator.stderr
    assert operator.returncode == 0, operator.stderr

    password = serving.pasted("Sign in", tmp_path)
    assert len(password.stdout) >= 12

    assert serving.stop(signal.SIGINT) == 0
    assert serving.printed.endswith("\nStopped.\n")
    assert of_folder(serving.state) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_stops_the_demo_while_it_starts(serving: Serving, number: signal.Signals) -> None:
    serving.wait_for("sandbox.log")

    assert serving.stop(number) == 130
    assert of_folder(serving.state) == []


def test_the_demo_ends_with_an_error_if_the_portal_dies(serving: Serving) -> None:
    serving.wait_until_it_serves()
    children = children_of(serving.process.pid)
    portal = next(pid for pid in children if b"\0serve\0" in Path(f"/proc/{pid}/cmdline").read_bytes())

    os.kill(portal, signal.SIGKILL)

    assert serving.process.wait(PATIENCE) == 1
    assert "The portal stopped by itself" in serving.printed
    assert of_folder(serving.state) == []
