"""OpenTelemetry traces: a span for each request, the stages of an issuance and the calls to AWS.

The standard OTEL_ variables configure the exporter and the sampler. Spans have no names of users, tenants or
resources, and no texts of errors: the request id leads to the log, which has them.
"""

import logging
import os
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from daypass.portal.errors import PortalError
from daypass.portal.telemetry.error_events import FailureLog, OperationError
from daypass.portal.telemetry.spans import trace_calls
from daypass.portal.telemetry.stages import trace_stages

_STOP_TIME = timedelta(seconds=2)
"""The time for the last spans at the end of the process."""

# The keys of `http/core/problems.py`, which is above this package.
_LOG_FIELDS, _REQUEST_ID, _REFUSAL = "daypass.log_fields", "daypass.request_id", "daypass.refusal"

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]

_PROPAGATOR = TraceContextTextMapPropagator()

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"})
_OTHER_METHOD = "_OTHER"
"""The method of other requests, by OpenTelemetry's semantic conventions."""


class Traces:
    """The traces of one process, exported by a thread of it; to be constructed after a fork."""

    def __init__(self, release: str) -> None:
        # The exporter's own messages are several lines of plain text for each batch.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        # An exit of the process must not wait for a collector, so `close` limits the time instead.
        self._provider = TracerProvider(resource=_resource(release), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(_LoggedExporter(OTLPSpanExporter())))
        self._tracer: Tracer = self._provider.get_tracer("daypass", release)
        trace_stages(lambda stage: self._span(f"issuance {stage}", SpanKind.INTERNAL, {}))
        trace_calls(lambda service: self._span(f"aws {service}", SpanKind.CLIENT, {"rpc.service": service}))

    def wrap(self, app: App) -> App:
        """Return an ASGI application that serves each request of *app* in a span and logs the trace's id."""

        async def traced(scope: Scope, receive: Any, send: Any) -> None:  # noqa: ANN401  ASGI's own types
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            status = 0

            async def noted(message: Any) -> None:  # noqa: ANN401  ASGI's own type
                nonlocal status
                if message["type"] == "http.response.start":
                    status = int(message["status"])
                await send(message)

            # The method of an unknown request is the client's own text, without a bound.
            method = scope["method"] if scope["method"] in _METHODS else _OTHER_METHOD
            with self._tracer.start_as_current_span(
                "HTTP" if method == _OTHER_METHOD else method,
                context=_PROPAGATOR.extract(_carrier(scope["headers"])),
                kind=SpanKind.SERVER,
                record_exception=False,
                set_status_on_exception=False,
            ) as span:
                scope[_LOG_FIELDS]["trace_id"] = format(span.get_span_context().trace_id, "032x")
                try:
                    await app(scope, receive, noted)
                finally:
                    route = scope.get("route")
                    if route is not None:
                        span.update_name(f"{method} {route.path}")
                        span.set_attribute("http.route", route.path)
                    span.set_attributes(_attributes(scope, method, status))
                    if status >= 500 or not status:
                        span.set_status(StatusCode.ERROR)

        return traced

    def close(self, timeout: timedelta = _STOP_TIME) -> None:
        """Export the last spans, for *timeout* at most, and trace nothing from now on."""
        trace_stages(None)
        trace_calls(None)
        # A daemon, because a request to a collector that does not answer cannot be interrupted.
        last = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
        last.start()
        last.join(timeout.total_seconds())

    @contextmanager
    def _span(self, name: str, kind: SpanKind, attributes: Mapping[str, str]) -> Iterator[None]:
        with self._tracer.start_as_current_span(
            name, kind=kind, attributes=attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield
            except Exception as error:
                # The code and not the text, which may contain a user's input.
                kind_of_error = error.code if isinstance(error, PortalError) else type(error).__name__
                span.set_attribute("error.type", kind_of_error)
                span.set_status(StatusCode.ERROR)
                raise


class _LoggedExporter(SpanExporter):
    """Exports like another exporter, and logs when that begins to fail, and when it works again."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._failures = FailureLog("export of traces")

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export *spans*."""
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            self._failures.succeeded()
        else:
            self._failures.failed(
                OperationError(
                    "traces_not_exported",
                    "The collector cannot be reached, or refuses the traces. Requests are not affected.",
                )
            )
        return result

    def shutdown(self) -> None:
        """End the other exporter."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Flush the other exporter."""
        return self._exporter.force_flush(timeout_millis)


def _resource(release: str) -> Resource:
    own = {SERVICE_VERSION: release}
    # An attribute that is given here would win over the variables.
    if not os.environ.get("OTEL_SERVICE_NAME") and "service.name=" not in os.environ.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    ):
        own[SERVICE_NAME] = "daypass"
    return Resource.create(own)


def _carrier(headers: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the headers of W3C Trace Context."""
    return {
        name.decode("latin-1"): value.decode("latin-1")
        for name, value in headers
        if name in {b"traceparent", b"tracestate"}
    }


def _attributes(scope: Scope, method: str, status: int) -> dict[str, str | int]:
    """Return the attributes by OpenTelemetry's semantic conventions for HTTP; no path and no query."""
    attributes: dict[str, str | int] = {
        "http.request.method": method,
        "url.scheme": scope.get("scheme", "http"),
        "daypass.request_id": scope[_REQUEST_ID],
    }
    if status:
        attributes["http.response.status_code"] = status
    refusal = scope.get(_REFUSAL)
    if refusal is not None and status >= 500:
        attributes["error.type"] = refusal.code
    return attributes
