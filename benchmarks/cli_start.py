"""How long a cached `daypass aws` takes, and what it weighs, beside a bare interpreter and duploctl.

Also fifty of them at once, and how long the endpoint of `daypass serve-credentials` takes to answer.

Run it as `python -m benchmarks.cli_start`. It brings its own portal and needs nothing but hyperfine.
"""

import http.client
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from daypass.cli.auth.session_store import SessionSlot, StoredSession

BARE, DUPLOCTL = "python -c pass", "duploctl jit aws, cached"
BY_TOKEN, BY_SIGN_IN = "daypass aws, cached", "daypass aws, cached, by sign-in"

RUNS = 100

SLOWEST = 1.3
"""Goal: at most so many times a bare interpreter."""

FASTER = 20
"""Goal: so many times faster than duploctl."""

HEAVIEST = 3.0
"""Goal: at most so many megabytes above a bare interpreter."""

CROWD = 50
CROWDED = 1.5
"""Goal: so many cached answers at once take at most so many times what bare interpreters take."""

QUESTIONS = 3000
SLOWEST_ANSWER = 2.0
"""Goal: milliseconds for 99 of 100 answers of the endpoint."""

# An interpreter without `site`, smaller than anything measured: what a process weighs is at least what its
# parent weighed when it was started.
WEIGH = """
import posix, sys
nowhere = (posix.POSIX_SPAWN_OPEN, 1, "/dev/null", posix.O_WRONLY, 0)
pid = posix.posix_spawn(sys.argv[1], sys.argv[1:], posix.environ, file_actions=[nowhere])
posix.write(1, str(posix.wait4(pid, 0)[2].ru_maxrss).encode())
"""


# The least that a Python program can do to answer.
BARE_ANSWER = """
import socket, sys
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    connection, _ = listener.accept()
    connection.recv(8192)
    connection.sendall(b"HTTP/1.1 200 OK\\r\\nConnection: close\\r\\nContent-Length: 2\\r\\n\\r\\n{}")
    connection.close()
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
    portal = ThreadingHTTPServer(("127.0.0.1", 0), StubPortal)
    Thread(target=portal.serve_forever, daemon=True).start()
    origin = f"http://127.0.0.1:{portal.server_port}"
    with tempfile.TemporaryDirectory() as folder:
        environment = _environment(Path(folder))
        commands = _commands(Path(folder), environment, origin)
        times = _times(hyperfine, commands, environment, Path(folder) / "report.json")
        weights = {name: _weight(command, environment) for name, command in commands.items()}
        crowds = [_crowd(commands[name], environment) for name in (BARE, BY_TOKEN, BY_SIGN_IN)]
        answers = _answers(origin, environment)
    portal.shutdown()
    _print_table(times, weights)
    _print_crowd(*crowds)
    _print_answers(*answers)
    return 0


def _environment(folder: Path) -> dict[str, str]:
    # As installed: modules are compiled once, not at every start.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    ours = {
        "HOME": str(folder),
        "DAYPASS_CACHE_DIR": str(folder / "daypass"),
        "DAYPASS_STATE_DIR": str(folder / "state"),
        "DUPLO_CACHE": str(folder / "duplo"),
    }
    return kept | ours


def _commands(folder: Path, environment: dict[str, str], origin: str) -> dict[str, list[str]]:
    """What is compared, each with its answer already in its cache."""
    binaries = Path(sys.executable).parent
    daypass = [str(binaries / "daypass"), "aws", "--host", origin, "--admin"]
    by_token = [*daypass, "--token", "benchmark"]
    sign_in(origin, environment, "token", admin=True)
    for command in (by_token, daypass):
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)

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
        BARE: [sys.executable, "-c", "pass"],
        BY_TOKEN: by_token,
        BY_SIGN_IN: daypass,
        DUPLOCTL: [str(binaries / "duploctl"), "jit", "aws", *legacy],
    }


def sign_in(origin: str, environment: Mapping[str, str], access: str, *, admin: bool) -> None:
    """Leave a sign-in as `daypass login` does, with *access* as its token."""
    now = time.time()  # noqa: TID251  the programs measured read the real clock
    kept = StoredSession(
        id="id",
        username="dana@example.com",
        allows_admin=admin,
        access=access,
        access_until=now + 3600,
        refresh="refresh",
        since=now,
        until=now + 12 * 3600,
    )
    with SessionSlot(environment, origin, admin=admin, now=lambda: now).locked() as slot:
        slot.write(kept)


def _crowd(command: list[str], environment: dict[str, str]) -> float:
    """The time that so many at once take, in milliseconds: the median of a few rounds."""
    rounds = []
    for _ in range(7):
        start = time.perf_counter()
        crowd = [subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) for _ in range(CROWD)]
        for process in crowd:
            process.wait()
        rounds.append((time.perf_counter() - start) * 1000)
    return statistics.median(rounds)


def _answers(origin: str, environment: dict[str, str]) -> tuple[list[float], list[float]]:
    """How long each answer took, in milliseconds, ascending: of a bare program, and of the endpoint."""
    daypass = str(Path(sys.executable).with_name("daypass"))
    words = ["serve-credentials", "--host", origin, "--admin", "--token", "benchmark", "--output", "json"]
    bare: list[float] = []
    ours: list[float] = []
    with (
        _start([sys.executable, "-c", BARE_ANSWER], environment) as simple,
        _start([daypass, *words], environment) as serving,
    ):
        port = int(_line(simple))
        told = json.loads(_line(serving))
        address = told["AWS_CONTAINER_CREDENTIALS_FULL_URI"].split("/")[2]
        # One after the other, so that whatever else the machine does falls on both.
        for _ in range(QUESTIONS):
            bare.append(_answer(f"127.0.0.1:{port}", ""))
            ours.append(_answer(address, told["AWS_CONTAINER_AUTHORIZATION_TOKEN"]))
        simple.terminate()
        serving.terminate()
    return sorted(bare), sorted(ours)


def _start(command: list[str], environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def _line(process: "subprocess.Popen[bytes]") -> bytes:
    return process.stdout.readline() if process.stdout else b""


def _answer(address: str, token: str) -> float:
    start = time.perf_counter()
    connection = http.client.HTTPConnection(address)
    connection.request("GET", "/credentials", headers={"Authorization": token})
    json.loads(connection.getresponse().read())
    connection.close()
    return (time.perf_counter() - start) * 1000


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
    print(f"{'':36}{'median':>10}{'x bare':>9}{'peak':>11}{'above bare':>13}")
    for name, took in times.items():
        above = weights[name] - weights[BARE]
        print(f"{name:36}{took:7.1f} ms{took / times[BARE]:9.2f}{weights[name]:8.1f} MB{above:10.1f} MB")
    daypass = max(times[BY_TOKEN], times[BY_SIGN_IN])
    slower, faster = daypass / times[BARE], times[DUPLOCTL] / daypass
    heavier = max(weights[BY_TOKEN], weights[BY_SIGN_IN]) - weights[BARE]
    print()
    print(f"{_mark(slower <= SLOWEST)} {slower:.2f} x the bare interpreter (goal: at most {SLOWEST})")
    print(f"{_mark(faster >= FASTER)} {faster:.1f} x faster than duploctl (goal: at least {FASTER})")
    print(
        f"{_mark(heavier <= HEAVIEST)} {heavier:.1f} MB above the bare interpreter (goal: at most {HEAVIEST})"
    )


def _print_crowd(bare: float, *daypass: float) -> None:
    print()
    print(
        f"{CROWD} at once: {bare:.0f} ms bare, {daypass[0]:.0f} ms by token, {daypass[1]:.0f} ms by sign-in"
    )
    slower = max(daypass) / bare
    print(f"{_mark(slower <= CROWDED)} {slower:.2f} x the bare interpreters (goal: at most {CROWDED})")


def _print_answers(bare: list[float], ours: list[float]) -> None:
    print()
    for name, took in (("a bare answer", bare), ("an answer of serve-credentials", ours)):
        print(f"{name:36}p50 {took[len(took) // 2]:.2f} ms   p99 {_of_a_hundred(took):.2f} ms")
    most = _of_a_hundred(ours)
    print(f"{_mark(most <= SLOWEST_ANSWER)} p99 {most:.2f} ms (goal: at most {SLOWEST_ANSWER} ms)")


def _of_a_hundred(took: list[float]) -> float:
    return took[len(took) * 99 // 100]


def _mark(is_met: bool) -> str:
    return "✓" if is_met else "✗"


def _in_an_hour() -> str:
    soon = datetime.now(UTC) + timedelta(hours=1)  # noqa: TID251  the programs measured read the real clock
    return soon.isoformat(timespec="seconds")


if __name__ == "__main__":
    sys.exit(main())
