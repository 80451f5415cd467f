"""The time of `daypass aws` on a cache miss: in total, and without the time of the portal.

The portal is the demo's, over TLS, with a certificate authority of its own; the AWS behind it is the sandbox.
The time of the portal is that of the same request on an open connection.

Run it as `python -m benchmarks.cli_fresh`. The demo needs the extras `server` and `sandbox`.
"""

import http.client
import json
import os
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.cli_start import sign_in

RUNS = 40

MAX_ABOVE_PORTAL = 120.0
"""Goal: the maximum of the command's time above the portal's, in milliseconds."""

_ANY_PORTS = ("--portal-port", "0", "--aws-port", "0", "--provider-port", "0")
_DAYPASS = str(Path(sys.executable).with_name("daypass"))
_TENANT = "dev01"


def main() -> int:
    """Measure, and print the results."""
    with tempfile.TemporaryDirectory() as folder, _demo(Path(folder)) as demo:
        environment = _environment(Path(folder), demo)
        bare, command, portal = _times(environment, demo)
    print(f"{RUNS} alternating runs, medians")
    print(f"python -c pass                      {bare:7.1f} ms")
    print(f"daypass aws, calling the portal     {command:7.1f} ms")
    print(f"the portal, on an open connection   {portal:7.1f} ms")
    beyond = command - portal
    print(
        f"{'✓' if beyond <= MAX_ABOVE_PORTAL else '✗'} {beyond:.0f} ms above the portal's time "
        f"(goal: at most {MAX_ABOVE_PORTAL:.0f})"
    )
    return 0


@contextmanager
def _demo(folder: Path) -> Iterator[dict[str, Any]]:
    """Run a demo; yield the contents of its ready file."""
    ready = folder / "ready.json"
    words = ["demo", "--dir", str(folder / "demo"), *_ANY_PORTS]
    with subprocess.Popen([_DAYPASS, *words, "--ready-file", str(ready)], stdout=subprocess.DEVNULL) as demo:
        try:
            while not ready.exists():
                if demo.poll() is not None:
                    sys.exit("The demo did not start.")
                time.sleep(0.1)
            yield json.loads(ready.read_text())
        finally:
            demo.terminate()


def _environment(folder: Path, demo: dict[str, Any]) -> dict[str, str]:
    """Return an environment whose home directory has a sign-in, as after `daypass login`."""
    # As installed: modules are compiled once, not at every start.
    kept = {
        name: value
        for name, value in os.environ.items()
        if name != "PYTHONDONTWRITEBYTECODE" and not name.startswith("DAYPASS_")
    }
    environment = kept | {
        "HOME": str(folder),
        "DAYPASS_HOST": demo["portal_url"],
        "DAYPASS_CA_FILE": demo["ca_file"],
        "DAYPASS_STATE_DIR": str(folder / "state"),
    }
    sign_in(demo["portal_url"], environment, _token(demo), admin=False)
    return environment


def _token(demo: dict[str, Any]) -> str:
    return next(str(user["api_token"]) for user in demo["users"] if user["username"] == "dana@example.com")


def _times(environment: dict[str, str], demo: dict[str, Any]) -> tuple[float, float, float]:
    """Return the median times of a bare interpreter, the command and the portal, in milliseconds."""
    context = ssl.create_default_context(cafile=demo["ca_file"])
    authority = demo["portal_url"].removeprefix("https://")
    connection = http.client.HTTPSConnection(authority, context=context)
    headers = {"Authorization": f"Bearer {_token(demo)}", "Content-Type": "application/json"}

    def ask() -> None:
        connection.request("POST", "/api/v1/sessions", json.dumps({"tenant": _TENANT}), headers)
        connection.getresponse().read()

    def run(*command: str) -> None:
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)

    bare, commands, portal = [], [], []
    # Alternating, so that other work of the machine affects all of them alike.
    for _ in range(RUNS + 3):
        bare.append(_took(lambda: run(sys.executable, "-c", "pass")))
        commands.append(_took(lambda: run(_DAYPASS, "aws", "--no-cache", "--tenant", _TENANT)))
        portal.append(_took(ask))
    connection.close()
    # The first runs open the portal's connections to AWS and compile Python modules.
    bare, commands, portal = bare[3:], commands[3:], portal[3:]
    return statistics.median(bare), statistics.median(commands), statistics.median(portal)


def _took(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


if __name__ == "__main__":
    sys.exit(main())
