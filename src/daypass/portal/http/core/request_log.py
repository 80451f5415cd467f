"""The access log: one line for each request, and an error event for each that failed in the portal."""

import structlog
from starlette.requests import HTTPConnection
from starlette.types import Scope

from daypass.common.lines import printable_line
from daypass.portal.config.model import AccessLog
from daypass.portal.http.core.authentication import ClientAddresses
from daypass.portal.http.core.problems import CHANNEL, LOG_FIELDS, REFUSAL, REQUEST_ID, Internal
from daypass.portal.redaction import redacted
from daypass.portal.telemetry.error_events import log_error

# The paths of `http/health.py`, which imports from this package and so cannot be imported here, and of the
# metrics. Load balancers and Prometheus call them every few seconds.
_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})

_LONGEST_TEXT = 200

_log = structlog.get_logger("portal.http")


class RequestLog:
    """Writes the lines of the requests of one process; used by the thread of the event loop only."""

    def __init__(self, access_log: AccessLog, addresses: ClientAddresses) -> None:
        self._access_log = access_log
        self._addresses = addresses
        self._probe_statuses: dict[str, int] = {}

    def write(
        self, scope: Scope, status: int, seconds: float, sent: int, crash: Exception | None = None
    ) -> None:
        """Log a request that was answered with *status* and *sent* bytes of content, or ended by *crash*."""
        path = scope["path"]
        # A probe that fails is repeated every few seconds, so it is logged when its result changes.
        is_repeated = path in _PROBES and self._is_unchanged(path, status)
        fails = status >= 500 or crash is not None
        is_logged = self._access_log is AccessLog.ALL or (
            self._access_log is AccessLog.ON and not is_repeated
        )
        if not is_logged and (is_repeated or not fails):
            return
        line = self._fields(scope, status, seconds, sent)
        refusal = scope.get(REFUSAL)
        if is_logged:
            refused = {} if refusal is None else {"code": refusal.code, "reason": refusal.reason}
            # Warnings, because the cause is logged as an error, once.
            (_log.warning if fails else _log.info)("request", **line, **refused)
        if fails and not is_repeated:
            log_error("request", crash or refusal or Internal(), **line)

    def _is_unchanged(self, path: str, status: int) -> bool:
        before = self._probe_statuses.get(path, 200)
        self._probe_statuses[path] = status
        return status == before

    def _fields(self, scope: Scope, status: int, seconds: float, sent: int) -> dict[str, object]:
        line: dict[str, object] = {"request_id": scope[REQUEST_ID], "method": scope["method"][:_LONGEST_TEXT]}
        route = scope.get("route")
        if route is None:
            # Never the query. A path that is no route's may contain a secret that was pasted in.
            line["path"] = printable_line(_redacted_path(scope["path"]), _LONGEST_TEXT)
        else:
            # Not the path, whose parameters are the caller's input; those that matter have their own fields.
            line["route"] = route.path
        line |= {
            "status": status,
            "duration_ms": round(seconds * 1000, 1),
            "bytes": sent,
            "address": self._addresses.of(HTTPConnection(scope)),
        }
        if CHANNEL in scope:
            line["channel"] = scope[CHANNEL]
        if "tenant" in scope.get("path_params", ()):
            line["tenant"] = scope["path_params"]["tenant"]
        # A copy, because a thread of a request that timed out may still add fields.
        line |= scope[LOG_FIELDS].copy()
        for name, value in scope["headers"]:
            if name == b"user-agent":
                line["user_agent"] = value[:_LONGEST_TEXT].decode("latin-1")
                break
        return line


def _redacted_path(path: str) -> str:
    # A slash may be a part of an AWS key or surround one.
    return "/".join(redacted(part) for part in redacted(path).split("/"))
