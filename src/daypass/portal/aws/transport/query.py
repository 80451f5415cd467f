"""AWS's query protocol for STS and IAM: signed form requests, XML responses."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from http import HTTPStatus
from urllib.parse import quote_plus

from botocore.credentials import ReadOnlyCredentials

from daypass.portal.access.broker import Deadline
from daypass.portal.aws.credentials import PortalCredentials
from daypass.portal.aws.errors import (
    CredentialsRefused,
    answered,
    aws_unavailable,
    error_for_code,
    find_clock_refusal,
    invalid_response,
)
from daypass.portal.aws.transport.backoff import Timing
from daypass.portal.aws.transport.connection_pool import Endpoint, retry_with_backoff
from daypass.portal.aws.transport.signing import signed
from daypass.portal.aws.transport.xml import text_by_path
from daypass.portal.clock import Clock, utc_now
from daypass.portal.errors import AwsError

_FORM = "application/x-www-form-urlencoded; charset=utf-8"
_ErrorFor = Callable[[str, str], AwsError]

# The same names and roles recur in requests, and quoting costs as much as signing.
_quoted = lru_cache(maxsize=1024)(quote_plus)


class QueryService:
    """A client of one AWS service; boto3's client does the same at three times the cost."""

    def __init__(
        self,
        endpoint: Endpoint,
        service: str,
        region: str,
        credentials: PortalCredentials,
        timing: Timing,
        observe: Callable[[AwsError | None], None],
        clock: Clock = utc_now,
    ) -> None:
        self._endpoint = endpoint
        self._service = service
        self._region = region
        self._credentials = credentials
        self._timing = timing
        self._observe = observe
        self._clock = clock

    def call(
        self,
        parameters: Mapping[str, str],
        deadline: Deadline,
        *,
        role_arn: str = "",
        refusal_of: Callable[[str], AwsError] | None = None,
    ) -> Mapping[str, str]:
        """Return the response's texts by path; raises the `AwsError` for AWS's error code.

        *refusal_of* returns that error; without it, it is that of an attempt to assume *role_arn*.
        """

        def error_for(code: str, message: str) -> AwsError:
            return error_for_code(code, message, role_arn) if refusal_of is None else refusal_of(code)

        body = "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in parameters.items()).encode()
        try:
            answer = retry_with_backoff(
                self._service,
                lambda: self._send_renewing(body, deadline, error_for),
                deadline,
                self._timing,
            )
        except AwsError as failure:
            self._observe(failure)
            raise
        self._observe(None)
        return answer

    def _send_renewing(self, body: bytes, deadline: Deadline, error_for: _ErrorFor) -> Mapping[str, str]:
        keys = self._credentials.frozen()
        try:
            return self._send(body, keys, deadline, error_for)
        except CredentialsRefused:
            # The keys may have been rotated. AWS ignored the unauthenticated request, so a retry is safe.
            others = self._credentials.renewed(keys)
            if others is None:
                raise
            return self._send(body, others, deadline, error_for)

    def _send(
        self, body: bytes, keys: ReadOnlyCredentials, deadline: Deadline, error_for: _ErrorFor
    ) -> Mapping[str, str]:
        reply = self._endpoint.post(body, self._signed(body, keys), deadline)
        answer = text_by_path(reply.body)
        # Some endpoints omit the outer element.
        code = answer.get("ErrorResponse/Error/Code") or answer.get("Error/Code")
        if code is not None:
            message = answer.get("ErrorResponse/Error/Message") or answer.get("Error/Message", "")
            refusal = find_clock_refusal(code, message, reply.date, self._clock())
            refusal = refusal or error_for(code, message)
            raise answered(refusal, self._endpoint.url, code, message)
        # Load balancers in front of AWS, and proxies, answer without an error code.
        if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise answered(aws_unavailable(), self._endpoint.url, f"status {reply.status}")
        if reply.status != HTTPStatus.OK or not answer:
            raise answered(invalid_response(), self._endpoint.url, f"status {reply.status} without a result")
        return answer

    def _signed(self, body: bytes, keys: ReadOnlyCredentials) -> dict[str, str]:
        # Responses are not decompressed, so that a small one cannot expand to a huge one.
        headers = {"Content-Type": _FORM, "Host": self._endpoint.host, "Accept-Encoding": "identity"}
        return signed(keys, self._service, self._region, self._endpoint.url, headers, body)
