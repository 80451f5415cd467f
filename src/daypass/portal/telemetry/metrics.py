"""Every metric of the portal, declared once: docs/reference/metrics.md is made from these.

No label has a tenant, a user, a role or a path as its value; see `Metric`.
"""

from collections.abc import Sequence
from enum import StrEnum

from daypass.portal.telemetry.metrics_model import Counter, Gauge, Histogram, Metric, ReadGauge


class Stage(StrEnum):
    """The stages of an issuance, in their order."""

    DECIDE = "decide"
    """Reading the tenant, the entitlements and the settings, and the decision of the policy."""
    PLAN = "plan"
    """Reading the role's maximum, unless it is cached, and choosing the validity."""
    INTENT = "intent"
    """Committing the intent."""
    ASSUME_ROLE = "assume_role"
    """The call to STS, with its retries."""
    CONSOLE = "console"
    """The call to AWS's sign-in endpoint for a console link."""
    OUTCOME = "outcome"
    """Committing the outcome; this includes the stage `release`."""
    RELEASE = "release"
    """Checking, inside that transaction, that the caller may still have the session."""


_CHANNELS = ("web", "api", "legacy")
_SCOPES = ("admin", "tenant")
_ACCESS = ("full", "read-only", "none")
_AWS_SERVICES = ("sts", "iam", "signin", "tagging", "sqs")
_AWS_ERRORS = (
    "aws_refused",
    "aws_policy",
    "aws_trust",
    "aws_throttled",
    "aws_unavailable",
    "aws_misconfigured",
    "aws_not_allowed",
    "role_not_found",
)
_REFUSALS = (
    "access_denied",
    "account_refused",
    "already_there",
    "audit_unavailable",
    "break_glass_account",
    "changed",
    "event_not_found",
    "forged_request",
    "fresh_sign_in_needed",
    "group_not_found",
    "group_read_only",
    "groups_claim",
    "has_permission_set",
    "insufficient_scope",
    "insufficient_user_authentication",
    "internal",
    "invalid_duration",
    "invalid_request",
    "issuer_unreachable",
    "jit_disabled",
    "last_administrator",
    "last_sign_in_method",
    "logout_replayed",
    "membership_not_found",
    "metadata_not_found",
    "method_not_allowed",
    "not_found",
    "oauth_refused",
    "overloaded",
    "permission_set_in_use",
    "permission_set_not_found",
    "provider_refused",
    "provider_unavailable",
    "rate_limited",
    "request_over",
    "resource_not_found",
    "scim_provider_not_found",
    "scim_refused",
    "scim_token_limit",
    "setting_not_found",
    "sign_in_again",
    "sign_in_failed",
    "storage_unavailable",
    "tenant_not_found",
    "token_not_found",
    "too_many_guesses",
    "too_soon",
    "unauthenticated",
    "user_not_found",
    "version_needed",
    "workload_rule_not_found",
    *_AWS_ERRORS,
)
_POOLS = ("aws", "local", "workloads", "providers")
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

ISSUANCES = Counter(
    "daypass_issuances_total",
    "Requests for AWS sessions, counted once their outcome is recorded. The access of a denied one is none.",
    {
        "channel": _CHANNELS,
        "scope": _SCOPES,
        "access": _ACCESS,
        "outcome": ("issued", "denied", "failed", "unknown"),
    },
)
STAGE_SECONDS = Histogram(
    "daypass_issuance_stage_duration_seconds",
    "Duration of each stage of an issuance, whether it succeeded or not.",
    _SECONDS,
    {"stage": tuple(Stage)},
)
HTTP_SECONDS = Histogram(
    "daypass_http_request_duration_seconds",
    "Duration of HTTP requests, from the headers to the end of the answer.",
    _SECONDS,
    {
        "channel": ("api", "legacy", "oauth", "web", "health", "metrics"),
        "status": ("2xx", "3xx", "4xx", "5xx"),
    },
)
REFUSALS = Counter(
    "daypass_refusals_total", "Requests that were answered with an error, by its code.", {"code": _REFUSALS}
)
BREAK_GLASS_USES = Counter(
    "daypass_break_glass_uses_total",
    "Passwords that were entered for the break-glass account. The outcome is ok or an error code.",
    {"outcome": ("ok", "sign_in_failed", "too_many_guesses")},
)
SIGN_INS = Counter(
    "daypass_sign_ins_total",
    "Sign-ins and reauthentications of browsers, by identity provider. The outcome is ok or an error code.",
    {
        # A passkey after a password counts beside it.
        "provider": ("password", "passkey"),
        "action": ("sign_in", "reauthenticate"),
        "outcome": (
            "ok",
            "sign_in_failed",
            "provider_refused",
            "provider_unavailable",
            "account_refused",
            "groups_claim",
            "too_many_guesses",
            "rate_limited",
            "request_over",
            "invalid_request",
            "sign_in_again",
            "overloaded",
            "audit_unavailable",
            "storage_unavailable",
        ),
    },
)
WORKLOAD_EXCHANGES = Counter(
    "daypass_workload_exchanges_total",
    "ID tokens of workloads that were exchanged for portal tokens, refused, or left undecided because the "
    "keys of their issuer were unavailable.",
    {"outcome": ("issued", "refused", "unavailable")},
)
AWS_ERRORS = Counter(
    "daypass_aws_errors_total",
    "Failed calls to AWS by service and by the portal's code of the error. The portal's own retries are "
    "counted each, and those of boto3 are not.",
    {"service": _AWS_SERVICES, "code": _AWS_ERRORS},
)
DATABASE_ERRORS = Counter(
    "daypass_database_errors_total",
    "Failures of the database: no free connection, a lock held for too long, a deadlock or serialization "
    "failure, or a database that is unreachable, full, read-only or damaged.",
    {"class": ("pool_exhausted", "lock_timeout", "conflict", "unavailable")},
)
COMMIT_SECONDS = Histogram(
    "daypass_commit_duration_seconds",
    "Duration of each shared transaction that writes the audit log, its retries included.",
    _SECONDS,
)
COMMIT_BATCH = Histogram(
    "daypass_commit_batch_size",
    "Number of units of work that one shared transaction writes.",
    (1, 2, 4, 8, 16, 32, 64, 128),
)
COMMIT_QUEUE = Gauge(
    "daypass_commit_queue_depth", "Units of work that wait for the next transaction of the audit log."
)
SUPPRESSED = Counter(
    "daypass_audit_suppressed_total",
    "Refusals above the rate limit, which the audit log counts instead of recording each.",
)
POOL_THREADS = Gauge("daypass_thread_pool_threads", "Threads of the pool.", {"pool": _POOLS})
POOL_BUSY = Gauge("daypass_thread_pool_busy_threads", "Threads that answer a request.", {"pool": _POOLS})
POOL_QUEUE = Gauge("daypass_thread_pool_queue_depth", "Requests that wait for a thread.", {"pool": _POOLS})
ROLE_QUEUE = Gauge(
    "daypass_role_queue_depth", "Requests that wait because their role has all its calls to AWS in progress."
)
DATABASE_CONNECTIONS = Gauge(
    "daypass_database_pool_connections", "The most connections that the pool opens to the database."
)
DATABASE_IN_USE = Gauge("daypass_database_pool_in_use_connections", "Connections to the database in use.")
HTTP_CONNECTIONS = Gauge("daypass_http_connections", "Open TCP connections of clients; on Linux only.")
LIVE_SESSIONS = ReadGauge(
    "daypass_live_sessions", "AWS sessions that were issued and have not expired, of all replicas."
)
OLDEST_ATTEMPT = ReadGauge(
    "daypass_oldest_unsettled_attempt_age_seconds",
    "Age of the oldest issuance without a recorded outcome, of all replicas; 0 if there is none.",
)
READ_ERRORS = Counter(
    "daypass_metrics_read_errors_total",
    "Scrapes that left out the metrics that are read from the database, because it did not answer in time.",
)
LOG_LINES_DROPPED = Counter(
    "daypass_log_lines_dropped_total", "Log lines that were dropped because stderr was not read."
)
BUILD_INFO = Gauge(
    "daypass_build_info",
    "Always 1; the labels are of this release.",
    {"version": (), "python": ()},
    "livemax",
)
PROCESSES = Gauge("daypass_processes", "Processes that serve.")
START_TIME = Gauge(
    "daypass_process_start_time_seconds", "Unix time at which the oldest process started.", mode="livemin"
)
CERTIFICATE_EXPIRY = Gauge(
    "daypass_certificate_expiry_timestamp_seconds",
    "Unix time at which the TLS certificate expires; left out without one.",
    mode="livemin",
)

METRICS: Sequence[Metric] = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
"""Every metric, in the order of this module."""
