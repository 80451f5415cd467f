"""Maps failed calls and error answers (RFC 9457) to refusals, each with a message and an exit code."""

import http.client
import socket
import ssl

from daypass.cli.api.responses import read_json
from daypass.cli.runtime.errors import (
    Denied,
    Misconfigured,
    NotFound,
    Refusal,
    SignInNeeded,
    Unavailable,
    UsageError,
)
from daypass.common.lines import printable_line
from daypass.common.proxies import Proxy, ProxyError

_MAX_LENGTH = 2000
"""Maximum length of a portal's message, in characters, that is shown."""

_SETUP_CODES = ("aws_refused", "aws_trust", "aws_misconfigured")
"""Codes of server errors that a retry cannot fix."""


_STEP_UP_CODES = ("fresh_sign_in_needed", "insufficient_scope")
"""Codes of refusals that a new sign-in with admin access may resolve."""

_TOO_OLD = "insufficient_user_authentication"
"""The code of a refusal that a more recent authentication resolves (RFC 9470)."""

_DEFAULT_AGE = 300
"""The age in seconds to ask for if the challenge names none."""

_STRICT_CODES = range(80, 94)
"""OpenSSL's codes (X509_V_ERR_…) that only VERIFY_X509_STRICT raises, such as a missing key identifier."""

_TIME_CODES = (9, 10)
_NAME_CODES = (62, 64)


def connection_failure(
    origin: str, error: OSError | http.client.HTTPException, proxy: Proxy | None = None
) -> Refusal:
    """Return the refusal for a call that got no answer, directly or through *proxy*."""
    # The order matters: the certificate error is an SSLError, and all of these are OSErrors.
    if isinstance(error, ProxyError):
        return (Misconfigured if error.needs_setup else Unavailable)(str(error))
    if proxy is not None:
        origin += f", through {proxy},"
    if isinstance(error, ssl.SSLCertVerificationError):
        return Misconfigured(
            f"The certificate of {origin} is not trusted ({error.verify_message}). {remedy_for(error)}"
        )
    if isinstance(error, ssl.SSLError):
        return Misconfigured(f"{origin} does not speak TLS as it should ({error.reason}). Is the port right?")
    if isinstance(error, socket.gaierror):
        return Unavailable(f"The host name of {origin} cannot be resolved: {error.strerror}. Is it right?")
    if isinstance(error, ConnectionRefusedError):
        return Unavailable(f"Nothing listens at {origin}. Does the portal run there, and is the port right?")
    if isinstance(error, TimeoutError):
        return Unavailable(
            f"{origin} did not answer in time. Try again; if it lasts, ask the portal's operator."
        )
    if isinstance(error, OSError) and error.strerror:
        return Unavailable(f"The connection to {origin} failed: {error.strerror}. Try again.")
    return Unavailable(f"{origin} closed the connection in the middle of its answer. Try again.")


def remedy_for(error: ssl.SSLCertVerificationError) -> str:
    """Return a sentence that says what to do about a certificate that was not accepted."""
    if error.verify_code in _STRICT_CODES:
        return (
            "It lacks what RFC 5280 demands; Python checks that from 3.13 on, whatever CA file is named. "
            "The portal's operator has to issue it anew; until then, run daypass with Python 3.12."
        )
    if error.verify_code in _TIME_CODES:
        return "The portal's operator has to renew it, if the clock of this machine is right."
    if error.verify_code in _NAME_CODES:
        return "It is for another name: is the portal's address right?"
    return (
        "If the portal has a certificate authority of its own, name its file with --ca-file or "
        "DAYPASS_CA_FILE."
    )


def error_answer(origin: str, status: int, headers: http.client.HTTPMessage, body: bytes) -> Refusal:
    """Return the refusal for an error answer, with the portal's own message if it sent one."""
    problem = _problem(headers, body)
    if problem is None:
        # Most likely from a proxy in front of the portal that does not reach it, or limits its clients.
        if status >= 500 or status == 429:
            return Unavailable(f"{origin} answers with an error ({status}). Try again later.")
        return not_a_portal(origin, status)
    message = problem.get("detail") or problem.get("title") or f"The portal answers {status}."
    if "Retry-After" in headers:
        message += f" Try again in {headers['Retry-After']} s."
    if problem.get("request_id"):
        message += f" (request {problem['request_id']})"
    return _refusal_class(status, problem.get("code", ""))(printable(message))


def needs_step_up(headers: http.client.HTTPMessage, body: bytes) -> bool:
    """Return whether an error answer demands a recent sign-in or one with admin access."""
    problem = _problem(headers, body)
    return problem is not None and problem.get("code") in _STEP_UP_CODES


def demanded_age(headers: http.client.HTTPMessage, body: bytes) -> int | None:
    """Return the maximum age of the authentication, in seconds, that an error answer demands; else None."""
    problem = _problem(headers, body)
    if problem is None or problem.get("code") != _TOO_OLD:
        return None
    _, _, rest = headers.get("WWW-Authenticate", "").partition('max_age="')
    digits = rest.partition('"')[0]
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 6 else _DEFAULT_AGE


def not_a_portal(origin: str, status: int | None = None) -> Refusal:
    """Return the refusal for a server whose answers are not those of a portal."""
    status_text = f" ({status})" if status else ""
    return Misconfigured(
        f"The server at {origin} is not a Daypass portal{status_text}. Is the address right?"
    )


def _refusal_class(status: int, code: str) -> type[Refusal]:
    if code in _SETUP_CODES:
        return Misconfigured
    if code in _STEP_UP_CODES or code == _TOO_OLD:
        return SignInNeeded
    if status >= 500 or status == 429:
        return Unavailable
    return {401: SignInNeeded, 403: Denied, 404: NotFound}.get(status, UsageError)


def _problem(headers: http.client.HTTPMessage, body: bytes) -> dict[str, str] | None:
    """Return the text fields of an RFC 9457 answer; None if it is not one."""
    if not headers.get("Content-Type", "").startswith("application/problem+json"):
        return None
    try:
        fields = read_json(body)
    except ValueError:
        return None
    return (
        {name: value for name, value in fields.items() if isinstance(value, str)}
        if isinstance(fields, dict)
        else None
    )


def printable(message: str) -> str:
    """Return a portal's message shortened, and without control characters that a terminal would obey."""
    return printable_line(message, _MAX_LENGTH, " ")
