"""Metrics of real processes: two workers, both addresses, and nothing left behind."""

import json
import socket
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.portal.aws.stub import StubAws
from tests.portal.processes import Operator, Serving, environment
from tests.portal.telemetry.recorded import Series, samples_of
from tests.portal.test_serve import told
from tests.waiting import wait_until

TOKEN = "scraper-canary-0123456789"
REQUESTS: Series = (
    "daypass_http_request_duration_seconds_count",
    frozenset({("channel", "health"), ("status", "2xx")}),
)
PROCESSES: Series = "daypass_processes", frozenset()
CONNECTIONS: Series = "daypass_http_connections", frozenset()


def get(url: str, path: str, token: str | None = None) -> tuple[int, str]:
    """Send a GET on a connection of its own."""
    address = urlsplit(url)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=60)
    connection.request("GET", path, headers={} if token is None else {"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    read = answer.status, answer.read().decode()
    connection.close()
    return read


def listener(serving: Serving, workers: int = 1) -> str:
    """Return the address for metrics, once all workers have logged it, which may be after they are ready."""
    wait_until(lambda: len(told(serving, "serving metrics")) == workers)
    return str(told(serving, "serving metrics")[0]["url"]).removesuffix("/metrics")


def test_a_scrape_of_either_address_covers_both_workers_and_no_file_is_left(
    tmp_path: Path, postgres_url: str, own_aws: StubAws
) -> None:
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    more = {"DAYPASS_METRICS_LISTEN": "127.0.0.1:0", "DAYPASS_METRICS_TOKEN": TOKEN}
    operator = Operator(tmp_path, environment(tmp_path, postgres_url, own_aws))
    with operator.serving_forked("--workers", "2", RUNTIME_DIRECTORY=str(runtime), **more) as serving:
        private = listener(serving, workers=2)
        wait_until(lambda: samples_of(get(private, "/metrics")[1]).get(PROCESSES) == 2)
        for _ in range(12):
            assert get(serving.url, "/healthz")[0] == 200

        # A request is counted just after its answer was sent.
        wait_until(lambda: samples_of(get(private, "/metrics")[1]).get(REQUESTS) == 12)
        assert samples_of(get(serving.url, "/metrics", TOKEN)[1])[REQUESTS] == 12
        assert get(private, "/healthz")[0] == 404
        assert get(private, "/api/v1/me")[0] == 404
        status, refused = get(serving.url, "/metrics")
        assert (status, json.loads(refused)["code"]) == (401, "unauthenticated")
        assert len(list(runtime.iterdir())) == 1
        assert serving.stop() == 0

    assert list(runtime.iterdir()) == []
    assert TOKEN not in serving.log.read_text()


def test_open_connections_are_counted_and_those_for_metrics_do_not_delay_the_end(operator: Operator) -> None:
    more = {"DAYPASS_METRICS_LISTEN": "127.0.0.1:0", "DAYPASS_STOP_TIMEOUT": "5"}
    with operator.serving_forked(**more) as serving:
        private = listener(serving)
        scraper = ("127.0.0.1", urlsplit(private).port or 0)
        with socket.create_connection(("127.0.0.1", serving.port)), socket.create_connection(scraper) as slow:
            slow.sendall(b"GET /metr")
            wait_until(lambda: samples_of(get(private, "/metrics")[1]).get(CONNECTIONS, 0) == 1)
            code = serving.stop()

    assert code == 0


def test_one_process_serves_metrics_by_default_nowhere(operator: Operator, tmp_path: Path) -> None:
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    with operator.serving_forked(RUNTIME_DIRECTORY=str(runtime)) as serving:
        assert get(serving.url, "/metrics")[0] == 404
        assert list(runtime.iterdir()) == []
        assert serving.stop() == 0

    # At the end, the log is complete.
    assert told(serving, "stopped")
    assert told(serving, "serving metrics") == []


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"DAYPASS_METRICS_LISTEN": "192.0.2.1:9464"}, "DAYPASS_METRICS_LISTEN"),
        ({"DAYPASS_METRICS_TOKEN": TOKEN, "RUNTIME_DIRECTORY": "/proc/1"}, "RuntimeDirectory="),
    ],
)
def test_metrics_that_cannot_be_served_are_reported_at_the_start(
    operator: Operator, more: dict[str, str], says: str
) -> None:
    ended = operator.run_forked("serve", **more)

    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert says in ended.stderr
    assert TOKEN not in ended.stderr
