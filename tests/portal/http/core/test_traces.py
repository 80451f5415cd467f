"""Traces reach a collector over OTLP, cost nothing while they are off, and never delay a request."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from threading import Event, Thread

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from daypass.portal.aws.transport.backoff import Timing
from daypass.portal.errors import AwsUnavailable
from daypass.portal.telemetry.stages import Stage
from daypass.portal.telemetry.traces import Traces
from tests.portal.aws.conftest import OwnKeys, aws_config, connected
from tests.portal.aws.stub import StubAws, error, identity
from tests.portal.http.world import DANA, World

KEYS = ("/api/v1/sessions", {"tenant": "dev01"})
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Collector:
    """An OTLP receiver on a free port, which keeps the spans that it gets; it can be kept from answering."""

    def __init__(self) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        self.may_answer = Event()
        self.may_answer.set()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.may_answer.wait(60)
                collector.requests.append(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def spans(self) -> dict[str, Span]:
        """Return the spans by name."""
        return {
            span.name: span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        }

    def stop(self) -> None:
        """Stop, and answer what waits."""
        self.may_answer.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """A collector, which the variables of this process name."""
    started = Collector()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", started.url)
    yield started
    started.stop()


def traced(world: World) -> Traces:
    """Return the traces of *world*, whose requests are traced from now on."""
    traces = Traces("1.2.3")
    world.portal.app.wrap(traces.wrap)
    return traces


def attributes(of: Span | Resource) -> dict[str, object]:
    return {pair.key: pair.value.string_value or pair.value.int_value for pair in of.attributes}


def test_an_issuance_is_one_trace_of_the_client_s_with_a_span_for_each_stage(
    quick_world: World, collector: Collector, log: StringIO
) -> None:
    began = len(log.getvalue())
    traces = traced(quick_world)
    answer = quick_world.client().post(
        KEYS[0], quick_world.tokens[DANA], KEYS[1], headers=[("Traceparent", PARENT)]
    )
    traces.close(timedelta(seconds=60))

    (line,) = [json.loads(text) for text in log.getvalue()[began:].splitlines()]
    spans = collector.spans()
    server = spans["POST /api/v1/sessions"]
    stages = {name: span for name, span in spans.items() if name.startswith("issuance ")}
    assert answer.status == 201
    assert {*stages} == {f"issuance {stage}" for stage in Stage if stage is not Stage.CONSOLE}
    assert {span.trace_id.hex() for span in spans.values()} == {PARENT.split("-")[1]} == {line["trace_id"]}
    assert server.parent_span_id.hex() == PARENT.split("-")[2]
    inner = stages.pop("issuance release")
    assert inner.parent_span_id == stages["issuance outcome"].span_id
    assert {span.parent_span_id for span in stages.values()} == {server.span_id}
    assert attributes(server) == {
        "http.request.method": "POST",
        "http.route": "/api/v1/sessions",
        "http.response.status_code": 201,
        "url.scheme": "http",
        "daypass.request_id": answer.header("x-request-id"),
    }
    resource = attributes(collector.requests[0].resource_spans[0].resource)
    assert (resource["service.name"], resource["service.version"]) == ("daypass", "1.2.3")


def test_the_name_of_a_span_is_never_the_method_that_a_client_invented(
    quick_world: World, collector: Collector
) -> None:
    traces = traced(quick_world)
    quick_world.client().send("SECRETCANARY", "/api/v1/me")
    traces.close(timedelta(seconds=60))

    (span,) = collector.spans().values()
    assert "SECRETCANARY" not in span.name
    assert attributes(span)["http.request.method"] == "_OTHER"


def test_a_failed_request_has_the_code_and_no_text_of_its_error(
    quick_world: World, collector: Collector
) -> None:
    quick_world.broker.assume_error = AwsUnavailable("secret-canary")
    traces = traced(quick_world)
    quick_world.client().post(KEYS[0], quick_world.tokens[DANA], KEYS[1])
    traces.close(timedelta(seconds=60))

    spans = collector.spans()
    for name in ("POST /api/v1/sessions", "issuance assume_role"):
        assert attributes(spans[name])["error.type"] == "aws_unavailable"
        assert spans[name].status.code == 2
    sent = b"".join(request.SerializeToString() for request in collector.requests)
    for secret in (b"secret-canary", b"dev01", DANA.encode(), quick_world.tokens[DANA].encode()):
        assert secret not in sent


def test_a_collector_that_does_not_answer_delays_neither_a_request_nor_the_end(
    quick_world: World, collector: Collector
) -> None:
    collector.may_answer.clear()
    traces = traced(quick_world)
    answer = quick_world.client().get("/api/v1/me", quick_world.tokens[DANA])
    began = time.monotonic()
    traces.close(timedelta(milliseconds=50))

    # The exporter's own limit is ten seconds.
    assert time.monotonic() - began < 8
    assert answer.status == 200
    assert collector.requests == []


def test_a_collector_that_is_away_is_logged_once(
    quick_world: World, log: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = len(log.getvalue())
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.1")
    # A bound port on which nothing listens refuses connections, and no other program gets it.
    with socket.socket() as away:
        away.bind(("127.0.0.1", 0))
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{away.getsockname()[1]}")
        traces = traced(quick_world)
        answer = quick_world.client().get("/api/v1/me", quick_world.tokens[DANA])
        traces.close(timedelta(seconds=60))

    lines = [json.loads(text) for text in log.getvalue()[began:].splitlines()]
    errors = [line for line in lines if line["level"] == "error"]
    assert answer.status == 200
    assert [(line["operation"], line["code"]) for line in errors] == [
        ("export of traces", "traces_not_exported")
    ]


def test_each_attempt_of_a_call_to_aws_is_a_span_with_its_error(collector: Collector) -> None:
    stub, timing = StubAws(), Timing(sleep=lambda _: None)
    traces = Traces("1.2.3")
    try:
        stub.play(error(503, "ServiceUnavailable"), identity())
        connected(aws_config(stub.url), session=OwnKeys().session(), timing=timing)
    finally:
        traces.close(timedelta(seconds=60))
        stub.stop()

    calls = [
        span
        for request in collector.requests
        for span in request.resource_spans[0].scope_spans[0].spans
        if span.name == "aws sts"
    ]
    assert [attributes(call).get("error.type") for call in calls] == ["aws_unavailable", None]
    assert {call.kind for call in calls} == {Span.SPAN_KIND_CLIENT}


OFF = """
import sys
from daypass.portal import app
from daypass.portal.commands import group, serve, serve_generations
from daypass.portal.server import http_server, supervisor
print([name for name in sys.modules if name.startswith(("opentelemetry", "google.protobuf"))])
"""


def test_nothing_of_opentelemetry_is_imported_while_traces_are_off() -> None:
    ran = subprocess.run([sys.executable, "-c", OFF], capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == "[]"


WITHOUT = """
import sys
sys.modules["opentelemetry"] = None
from daypass.main import main
main()
"""


def test_without_the_extra_the_start_names_the_command_that_installs_it(tmp_path: Path) -> None:
    environment = {"DAYPASS_TRACES": "true", "DAYPASS_AWS_REGION": "eu-west-1", "HOME": str(tmp_path)}
    command = [sys.executable, "-c", WITHOUT, "portal", "serve"]
    ran = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert ran.returncode == 1
    assert ran.stderr == (
        "daypass portal: DAYPASS_TRACES needs OpenTelemetry, which is not installed. "
        "Install it beside Daypass: pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http\n"
    )
