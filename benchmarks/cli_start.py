"""How long a cached `daypass aws` takes, and what it weighs, beside a bare interpreter and duploctl.

Run it as `python -m benchmarks.cli_start`. It brings its own portal and needs nothing but hyperfine.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

RUNS = 100

SLOWEST = 1.3
"""Goal: at most so many times a bare interpreter."""

FASTER = 20
"""Goal: so many times faster than duploctl."""

HEAVIEST = 3.0
"""Goal: at most so many megabytes above a bare interpreter."""

# An interpreter without `site`, smaller than anything measured: what a process weighs is at least what its
# parent weighed when it was started.
WEIGH = """
import posix, sys
pid = posix.posix_spawn(sys.argv[1], sys.argv[1:], posix.environ, file_actions=[(posix.POSIX_SPAWN_CLOSE, 1)])
posix.write(1, str(posix.wait4(pid, 0)[2].ru_maxrss).encode())
"""


class StubPortal(BaseHTTPRequestHandler):
    """Hands out one pair of keys for an hour."""

    def do_POST(self) -> None:
        """Answer as POST /api/v1/sessions does."""
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps(
            {
                "tenant": None,
                "role_arn": "arn:aws:iam::123456789012:role/duplomaster",
                "region": "us-west-2",
                "user": {"id": "user-1", "username": "admin@example.com"},
                "expires_at": _in_an_hour(),
                "validity": 3600,
                "credentials": {
                    "access_key_id": "ASIA",
                    "secret_access_key": "s",
                    "session_token": "t" * 800,
                },
            }
        ).encode()
        self.send_response(201)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet: the table is what is to be read."""


def main() -> int:
    """Measure and print the table; 1 if a tool is missing."""
    hyperfine = shutil.which("hyperfine")
    if hyperfine is None:
        print("hyperfine is missing: apt-get install hyperfine")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        environment = _environment(Path(folder))
        commands = _commands(Path(folder), environment)
        times = _times(hyperfine, commands, environment, Path(folder) / "report.json")
        weights = {name: _weight(command, environment) for name, command in commands.items()}
    _print_table(times, weights)
    return 0


def _environment(folder: Path) -> dict[str, str]:
    # As installed: modules are compiled once, not at every start.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    ours = {
        "HOME": str(folder),
        "DAYPASS_CACHE_DIR": str(folder / "daypass"),
        "DUPLO_CACHE": str(folder / "duplo"),
    }
    return kept | ours


def _commands(folder: Path, environment: dict[str, str]) -> dict[str, list[str]]:
    """What is compared, each with its answer already in its cache."""
    binaries = Path(sys.executable).parent
    portal = HTTPServer(("127.0.0.1", 0), StubPortal)
    Thread(target=portal.serve_forever, daemon=True).start()
    flags = ["--host", f"http://127.0.0.1:{portal.server_port}", "--admin", "--token", "benchmark"]
    daypass = [str(binaries / "daypass"), "aws", *flags]
    subprocess.run(daypass, env=environment, check=True, stdout=subprocess.DEVNULL)
    portal.shutdown()

    # duploctl speaks only HTTPS; with its cache filled it does not speak at all.
    (folder / "duplo").mkdir()
    kept = {
        "AccessKeyId": "ASIA",
        "SecretAccessKey": "s",
        "SessionToken": "t" * 800,
        "Expiration": _in_an_hour(),
    }
    (folder / "duplo" / "portal.example.com,admin,aws-creds.json").write_text(json.dumps(kept))
    legacy = ["--host", "https://portal.example.com", "--admin", "--token", "benchmark"]
    return {
        "python -c pass": [sys.executable, "-c", "pass"],
        "daypass aws, cached": daypass,
        "duploctl jit aws, cached": [str(binaries / "duploctl"), "jit", "aws", *legacy],
    }


def _times(
    hyperfine: str, commands: dict[str, list[str]], environment: dict[str, str], report: Path
) -> dict[str, float]:
    """The median time of each command, in milliseconds."""
    flags = ["-N", "--style", "none", "--warmup", "5", "--runs", str(RUNS), "--export-json", str(report)]
    lines = [" ".join(command) for command in commands.values()]
    subprocess.run([hyperfine, *flags, *lines], env=environment, check=True, capture_output=True)
    results = json.loads(report.read_text())["results"]
    return {name: result["median"] * 1000 for name, result in zip(commands, results, strict=True)}


def _weight(command: list[str], environment: dict[str, str]) -> float:
    """The peak resident memory of *command*, in megabytes: the least of a few runs."""
    weigh = [sys.executable, "-I", "-S", "-c", WEIGH, *command]
    runs = (subprocess.run(weigh, env=environment, check=True, stdout=subprocess.PIPE) for _ in range(5))
    return min(int(run.stdout) for run in runs) / 1024


def _print_table(times: dict[str, float], weights: dict[str, float]) -> None:
    bare, daypass, duploctl = times
    print(f"{'':26}{'median':>10}{'x bare':>9}{'peak':>11}{'above bare':>13}")
    for name, time in times.items():
        above = weights[name] - weights[bare]
        print(f"{name:26}{time:7.1f} ms{time / times[bare]:9.2f}{weights[name]:8.1f} MB{above:10.1f} MB")
    slower, faster = times[daypass] / times[bare], times[duploctl] / times[daypass]
    heavier = weights[daypass] - weights[bare]
    print()
    print(f"{_mark(slower <= SLOWEST)} {slower:.2f} x the bare interpreter (goal: at most {SLOWEST})")
    print(f"{_mark(faster >= FASTER)} {faster:.1f} x faster than duploctl (goal: at least {FASTER})")
    print(
        f"{_mark(heavier <= HEAVIEST)} {heavier:.1f} MB above the bare interpreter (goal: at most {HEAVIEST})"
    )


def _mark(is_met: bool) -> str:
    return "✓" if is_met else "✗"


def _in_an_hour() -> str:
    soon = datetime.now(UTC) + timedelta(hours=1)  # noqa: TID251  the programs measured read the real clock
    return soon.isoformat(timespec="seconds")


if __name__ == "__main__":
    sys.exit(main())
