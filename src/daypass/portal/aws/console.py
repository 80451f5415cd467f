"""The AWS console: its pages as redirect targets, and the sign-in URL."""

import json
import re
from http import HTTPStatus
from urllib.parse import SplitResult, quote, urlencode, urljoin, urlsplit

from daypass.portal.access.broker import Deadline
from daypass.portal.access.model import Credentials
from daypass.portal.aws.errors import answered, aws_unavailable, invalid_response, throttled
from daypass.portal.aws.partitions import Partition
from daypass.portal.aws.transport.backoff import Timing
from daypass.portal.aws.transport.connection_pool import Endpoint, retry_with_backoff
from daypass.portal.errors import AwsRefused, InvalidRequest
from daypass.portal.secret import Secret

FEDERATION_PATH = "/federation"

_LONGEST_DESTINATION = 2000
_PLAIN = re.compile(r"[!-\[\]-~]*")  # Printable ASCII without the backslash, which browsers read as a slash.


class Destinations:
    """The console pages that a sign-in may redirect to; anything else would be an open redirect."""

    def __init__(self, partition: Partition, console_url: str | None) -> None:
        self._partition = partition
        self._console_url = console_url

    def resolve(self, region: str, typed: str | None) -> str:
        """Return the full URL of *typed*: a path is taken in the console of *region*, "" is the home page."""
        console = self._console_url or self._partition.console_url(region)
        if not typed:
            return urljoin(console, f"/console/home?region={region}")
        if len(typed) > _LONGEST_DESTINATION or not _PLAIN.fullmatch(typed):
            raise _not_the_console()
        # Two slashes begin a URL of another host (RFC 3986, section 4.2).
        if typed.startswith("/") and not typed.startswith("//"):
            return urljoin(console, typed)
        if not self._is_console(typed):
            raise _not_the_console()
        return typed

    def _is_console(self, typed: str) -> bool:
        try:
            parts = urlsplit(typed)
            # Raises `ValueError` for a port that is not a number.
            port = parts.port
        except ValueError:
            return False
        if self._console_url is not None:
            return _origin(parts) == _origin(urlsplit(self._console_url))
        return (
            parts.scheme == "https"
            # The dots exclude hosts that only end with the same letters.
            and f".{parts.hostname}".endswith(f".{self._partition.console_host}")
            and "@" not in parts.netloc
            and port in (None, 443)
        )


def _origin(parts: SplitResult) -> tuple[str, str]:
    return parts.scheme, parts.netloc


def _not_the_console() -> InvalidRequest:
    return InvalidRequest(
        "The destination is not a page of the AWS console. Give its https address or its path."
    )


class Federation:
    """The AWS federation endpoint, which exchanges credentials for a console sign-in URL."""

    def __init__(self, endpoint: Endpoint, public_url: str, timing: Timing) -> None:
        self._endpoint = endpoint
        self._public_url = public_url
        self._timing = timing

    def sign_in_url(self, credentials: Credentials, destination: str, deadline: Deadline) -> Secret:
        """Return a sign-in URL; it is secret, because any holder can use it for 15 minutes."""
        session = {
            "sessionId": credentials.access_key_id,
            "sessionKey": credentials.secret_access_key.reveal(),
            "sessionToken": credentials.session_token.reveal(),
        }
        # POST keeps the keys out of URL logs. Without SessionDuration the console session ends with the keys.
        form = urlencode({"Action": "getSigninToken", "Session": json.dumps(session)}).encode()
        token = retry_with_backoff(
            "signin", lambda: self._signin_token(form, deadline), deadline, self._timing
        )
        login = {
            "Action": "login",
            "Issuer": self._public_url,
            "Destination": destination,
            "SigninToken": token,
        }
        return Secret(f"{self._endpoint.url}?{urlencode(login, quote_via=quote)}")

    def _signin_token(self, form: bytes, deadline: Deadline) -> str:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept-Encoding": "identity"}
        reply = self._endpoint.post(form, headers, deadline)
        # This endpoint has no error codes, so the HTTP status decides.
        if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise answered(throttled(), self._endpoint.url, f"status {reply.status}")
        if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise answered(aws_unavailable(), self._endpoint.url, f"status {reply.status}")
        if reply.status != HTTPStatus.OK:
            refusal = AwsRefused(f"The AWS sign-in endpoint refused the session (status {reply.status}).")
            raise answered(refusal, self._endpoint.url, f"status {reply.status}")
        try:
            token = json.loads(reply.body)["SigninToken"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise invalid_response() from error
        if not isinstance(token, str) or not token:
            raise invalid_response()
        return token
