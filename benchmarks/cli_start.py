"""The time and memory of a cached `daypass aws`, compared with a bare interpreter and duploctl.

Also the time of fifty concurrent ones, and of a response of `daypass serve-credentials`.

Run it as `python -m benchmarks.cli_start`. It runs a stub of the portal, and needs only hyperfine.
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

MAX_RATIO = 1.3
"""Goal: the maximum time, as a multiple of a bare interpreter's."""

MIN_SPEEDUP = 20
"""Goal: duploctl's time is at least this multiple of ours."""

MAX_EXTRA_MEMORY = 3.0
"""Goal: the maximum peak memory above a bare interpreter's, in megabytes."""

CONCURRENT = 50
"""The number of commands that run concurrently."""
MAX_CONCURRENT_RATIO = 1.5
"""Goal: the maximum time of concurrent commands, as a multiple of that of bare interpreters."""

REQUESTS = 3000
MAX_P99 = 2.0
"""Goal: the maximum of the 99th percentile of the endpoint's response times, in milliseconds."""

# An interpreter without `site`, which is smaller than every measured process: the peak memory of a process is
# at least that of its parent at the start.
MEASURE_MEMORY = """
import posix, sys
discard = (posix.POSIX_SPAWN_OPEN, 1, "/dev/null", posix.O_WRONLY, 0)
pid = posix.posix_spawn(sys.argv[1], sys.argv[1:], posix.environ, file_actions=[discard])
posix.write(1, str(posix.wait4(pid, 0)[2].ru_maxrss).encode())
"""


# A minimal HTTP server in Python.
MINIMAL_SERVER = """
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
    """Returns keys that are valid for an hour."""

    def do_POST(self) -> None:
        """Respond as POST /api/v1/sessions does."""
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
        """Print nothing, because the output is the table."""


def main() -> int:
    """Measure, and print the tables; return 1 if hyperfine is missing."""
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
        peaks = {name: _peak_memory(command, environment) for name, command in commands.items()}
        concurrent_times = [
            _concurrent_time(commands[name], environment) for name in (BARE, BY_TOKEN, BY_SIGN_IN)
        ]
        response_times = _response_times(origin, environment)
    portal.shutdown()
    _print_commands(times, peaks)
    _print_concurrent(*concurrent_times)
    _print_response_times(*response_times)
    return 0


def _environment(folder: Path) -> dict[str, str]:
    # Modules are compiled once and not at every start, as in an installation.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    ours = {
        "HOME": str(folder),
        "DAYPASS_CACHE_DIR": str(folder / "daypass"),
        "DAYPASS_STATE_DIR": str(folder / "state"),
        "DUPLO_CACHE": str(folder / "duplo"),
    }
    return kept | ours


def _commands(folder: Path, environment: dict[str, str], origin: str) -> dict[str, list[str]]:
    """Return the compared commands, each with its response in its cache already."""
    binaries = Path(sys.executable).parent
    daypass = [str(binaries / "daypass"), "aws", "--host", origin, "--admin"]
    by_token = [*daypass, "--token", "benchmark"]
    sign_in(origin, environment, "token", admin=True)
    for command in (by_token, daypass):
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)

    # duploctl supports only HTTPS. Its cache is filled here, so that it sends no request.
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
    """Store a sign-in as `daypass login` does, with *access* as its access token."""
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


def _concurrent_time(command: list[str], environment: dict[str, str]) -> float:
    """Return the time of concurrent commands in milliseconds, the median of a few rounds."""
    rounds = []
    for _ in range(7):
        start = time.perf_counter()
        processes = [
            subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) for _ in range(CONCURRENT)
        ]
        for process in processes:
            process.wait()
        rounds.append((time.perf_counter() - start) * 1000)
    return statistics.median(rounds)


def _response_times(origin: str, environment: dict[str, str]) -> tuple[list[float], list[float]]:
    """Return response times in milliseconds, ascending: of a minimal server, and of the endpoint."""
    daypass = str(Path(sys.executable).with_name("daypass"))
    words = ["serve-credentials", "--host", origin, "--admin", "--token", "benchmark", "--output", "json"]
    bare: list[float] = []
    ours: list[float] = []
    with (
        _start([sys.executable, "-c", MINIMAL_SERVER], environment) as minimal,
        _start([daypass, *words], environment) as serving,
    ):
        port = int(_line(minimal))
        variables = json.loads(_line(serving))
        address = variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"].split("/")[2]
        # Alternating, so that other work of the machine affects both alike.
        for _ in range(REQUESTS):
            bare.append(_response_time(f"127.0.0.1:{port}", ""))
            ours.append(_response_time(address, variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"]))
        minimal.terminate()
        serving.terminate()
    return sorted(bare), sorted(ours)


def _start(command: list[str], environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def _line(process: "subprocess.Popen[bytes]") -> bytes:
    return process.stdout.readline() if process.stdout else b""


def _response_time(address: str, token: str) -> float:
    start = time.perf_counter()
    connection = http.client.HTTPConnection(address)
    connection.request("GET", "/credentials", headers={"Authorization": token})
    json.loads(connection.getresponse().read())
    connection.close()
    return (time.perf_counter() - start) * 1000


def _times(
    hyperfine: str, commands: dict[str, list[str]], environment: dict[str, str], report: Path
) -> dict[str, float]:
    """Return the median time of each command, in milliseconds."""
    flags = ["-N", "--style", "none", "--warmup", "5", "--runs", str(RUNS), "--export-json", str(report)]
    lines = [" ".join(command) for command in commands.values()]
    subprocess.run([hyperfine, *flags, *lines], env=environment, check=True, capture_output=True)
    results = json.loads(report.read_text())["results"]
    return {name: result["median"] * 1000 for name, result in zip(commands, results, strict=True)}


def _peak_memory(command: list[str], environment: dict[str, str]) -> float:
    """Return the peak resident memory of *command* in megabytes, the lowest of a few runs."""
    measure = [sys.executable, "-I", "-S", "-c", MEASURE_MEMORY, *command]
    runs = (subprocess.run(measure, env=environment, check=True, stdout=subprocess.PIPE) for _ in range(5))
    return min(int(run.stdout) for run in runs) / 1024


def _print_commands(times: dict[str, float], peaks: dict[str, float]) -> None:
    print(f"{'':36}{'median':>10}{'x bare':>9}{'peak':>11}{'above bare':>13}")
    for name, took in times.items():
        above = peaks[name] - peaks[BARE]
        print(f"{name:36}{took:7.1f} ms{took / times[BARE]:9.2f}{peaks[name]:8.1f} MB{above:10.1f} MB")
    daypass = max(times[BY_TOKEN], times[BY_SIGN_IN])
    slower, faster = daypass / times[BARE], times[DUPLOCTL] / daypass
    extra = max(peaks[BY_TOKEN], peaks[BY_SIGN_IN]) - peaks[BARE]
    print()
    print(f"{_mark(slower <= MAX_RATIO)} {slower:.2f} x the bare interpreter (goal: at most {MAX_RATIO})")
    print(
        f"{_mark(faster >= MIN_SPEEDUP)} {faster:.1f} x faster than duploctl (goal: at least {MIN_SPEEDUP})"
    )
    print(
        f"{_mark(extra <= MAX_EXTRA_MEMORY)} {extra:.1f} MB above the bare interpreter "
        f"(goal: at most {MAX_EXTRA_MEMORY})"
    )


def _print_concurrent(bare: float, *daypass: float) -> None:
    print()
    print(
        f"{CONCURRENT} concurrent: bare {bare:.0f} ms, by token {daypass[0]:.0f} ms, "
        f"by sign-in {daypass[1]:.0f} ms"
    )
    slower = max(daypass) / bare
    print(
        f"{_mark(slower <= MAX_CONCURRENT_RATIO)} {slower:.2f} x the bare interpreters "
        f"(goal: at most {MAX_CONCURRENT_RATIO})"
    )


def _print_response_times(bare: list[float], ours: list[float]) -> None:
    print()
    for name, took in (("response of a minimal server", bare), ("response of serve-credentials", ours)):
        print(f"{name:36}p50 {took[len(took) // 2]:.2f} ms   p99 {_p99(took):.2f} ms")
    most = _p99(ours)
    print(f"{_mark(most <= MAX_P99)} p99 {most:.2f} ms (goal: at most {MAX_P99} ms)")


def _p99(took: list[float]) -> float:
    return took[len(took) * 99 // 100]


def _mark(is_met: bool) -> str:
    return "✓" if is_met else "✗"


def _in_an_hour() -> str:
    soon = datetime.now(UTC) + timedelta(hours=1)  # noqa: TID251  the programs measured read the real clock
    return soon.isoformat(timespec="seconds")


if __name__ == "__main__":
    sys.exit(main())
