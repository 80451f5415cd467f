"""Search for resources by tags with the Resource Groups Tagging API."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any

from botocore.credentials import ReadOnlyCredentials
from botocore.httpsession import get_cert_path
from botocore.session import Session

from daypass.portal.access.broker import Deadline
from daypass.portal.access.model import Credentials
from daypass.portal.aws.errors import (
    answered,
    aws_unavailable,
    find_clock_refusal,
    invalid_response,
    search_refusal,
)
from daypass.portal.aws.partitions import PARTITIONS
from daypass.portal.aws.transport.backoff import Timing
from daypass.portal.aws.transport.connection import Reply
from daypass.portal.aws.transport.connection_pool import Endpoint, retry_with_backoff
from daypass.portal.aws.transport.proxy import chosen_proxy
from daypass.portal.aws.transport.signing import signed
from daypass.portal.clock import utc_now
from daypass.portal.config.model import AwsConfig
from daypass.portal.inventory.finder import Query
from daypass.portal.inventory.model import TaggedArn

_MOST_ON_A_PAGE = 100
_LONGEST_PAGE = 8 * 1024 * 1024
"""More than a full page with the maximum number of tags."""

_HEADERS = {
    "Content-Type": "application/x-amz-json-1.1",
    "X-Amz-Target": "ResourceGroupsTaggingAPI_20170126.GetResources",
    "Accept-Encoding": "identity",
}


class TaggingFinder:
    """The implementation of `portal.inventory.finder` with AWS."""

    def __init__(self, endpoint_of: Callable[[str], Endpoint], timing: Timing) -> None:
        self._endpoint_of = endpoint_of
        self._timing = timing
        self._endpoints: dict[str, Endpoint] = {}
        self._adding = threading.Lock()

    def pages(
        self, query: Query, credentials: Credentials, deadline: Deadline
    ) -> Iterator[Sequence[TaggedArn]]:
        """Yield the pages of AWS's answer, each before the deadline."""
        keys = ReadOnlyCredentials(
            credentials.access_key_id,
            credentials.secret_access_key.reveal(),
            credentials.session_token.reveal(),
        )
        token = ""
        while True:
            request = partial(self._send, query, _body(query, token), keys, deadline)
            answer = retry_with_backoff("tagging", request, deadline, self._timing)
            yield _tagged(answer)
            token = answer.get("PaginationToken") or ""
            if not token:
                return

    def _send(
        self, query: Query, body: bytes, keys: ReadOnlyCredentials, deadline: Deadline
    ) -> Mapping[str, Any]:
        endpoint = self._endpoint(query.region)
        headers = _HEADERS | {"Host": endpoint.host}
        headers = signed(keys, "tagging", query.region, endpoint.url, headers, body)
        reply = endpoint.post(body, headers, deadline)
        answer = _read(reply)
        code = answer.get("__type")
        if isinstance(code, str):
            # Some endpoints put the name of their model before the error code.
            name, message = code.rpartition("#")[2], str(answer.get("message", ""))
            clocks_differ = find_clock_refusal(name, message, reply.date, utc_now())
            refusal = clocks_differ or search_refusal(name, query.role_arn)
            raise answered(refusal, endpoint.url, name, message)
        if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise answered(aws_unavailable(), endpoint.url, f"status {reply.status}")
        if reply.status != HTTPStatus.OK or "ResourceTagMappingList" not in answer:
            raise answered(invalid_response(), endpoint.url, f"status {reply.status} without a result")
        return answer

    def _endpoint(self, region: str) -> Endpoint:
        # Otherwise two threads could create an endpoint each, and the connections of one would be lost.
        with self._adding:
            if region not in self._endpoints:
                self._endpoints[region] = self._endpoint_of(region)
            return self._endpoints[region]


def make_finder(
    config: AwsConfig, *, connections: int, session: Session | None = None, timing: Timing | None = None
) -> TaggingFinder:
    """Return a finder for AWS, or for the endpoint that the configuration sets."""
    partition, timing = PARTITIONS[config.partition], timing or Timing()
    ca_file = get_cert_path((session or Session()).get_config_variable("ca_bundle") or True)

    def endpoint_of(region: str) -> Endpoint:
        url = config.endpoint_url or partition.tagging_url(region)
        return Endpoint(
            url,
            connections=connections,
            ca_file=ca_file,
            timing=timing,
            longest_answer=_LONGEST_PAGE,
            proxy=chosen_proxy(url),
        )

    return TaggingFinder(endpoint_of, timing)


def _body(query: Query, token: str) -> bytes:
    request: dict[str, object] = {
        "ResourcesPerPage": _MOST_ON_A_PAGE,
        "ResourceTypeFilters": [*query.services],
        "TagFilters": [{"Key": query.tag, "Values": [query.value]}],
    }
    if token:
        request["PaginationToken"] = token
    return json.dumps(request).encode()


def _read(reply: Reply) -> Mapping[str, Any]:
    try:
        answer = json.loads(reply.body)
    # Deeply nested JSON exhausts the stack.
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _tagged(answer: Mapping[str, Any]) -> Sequence[TaggedArn]:
    try:
        resources = [
            TaggedArn(entry["ResourceARN"], {tag["Key"]: tag["Value"] for tag in entry.get("Tags", ())})
            for entry in answer["ResourceTagMappingList"]
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise invalid_response() from error
    if not all(
        isinstance(text, str) for resource in resources for text in (resource.arn, *resource.tags.values())
    ):
        raise invalid_response()
    return resources
