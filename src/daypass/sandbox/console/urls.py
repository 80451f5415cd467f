"""Deep links of the AWS console, mapped to resources."""

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote, unquote, urlsplit

from daypass.common.console.partitions import CONSOLE_PARTITIONS

_CONSOLE_HOST = re.compile(
    rf"([a-z0-9-]+\.)?({'|'.join(re.escape(each.console_host) for each in CONSOLE_PARTITIONS.values())})"
)


class Kind(StrEnum):
    """The kinds of resource with a console page, by service name."""

    BUCKET = "s3"
    TABLE = "dynamodb"
    QUEUE = "sqs"
    TOPIC = "sns"
    STREAM = "kinesis"
    API = "apigateway"
    FUNCTION = "lambda"
    LOG_GROUP = "logs"


OTHER = "other"
"""Takes the place of the kind in the path of a page of the real console that the sandbox does not have."""


# Matched against path, query and fragment; the first group is the percent-encoded resource.
_LINKS = [
    (Kind.BUCKET, re.compile(r"/s3/buckets/([^/?#]+)")),
    (Kind.BUCKET, re.compile(r"/s3/object/([^/?#]+)")),
    (Kind.TABLE, re.compile(r"/dynamodbv2/home[^#]*#table\?(?:[^#]*&)?name=([^&#]+)")),
    (Kind.TABLE, re.compile(r"/dynamodbv2/home[^#]*#item-explorer\?(?:[^#]*&)?table=([^&#]+)")),
    (Kind.QUEUE, re.compile(r"/sqs/v3/home[^#]*#/queues/([^/?#]+)")),
    (Kind.TOPIC, re.compile(r"/sns/v3/home[^#]*#/topic/([^/?#]+)")),
    (Kind.STREAM, re.compile(r"/kinesis/home[^#]*#/streams/details/([^/?#]+)")),
    (Kind.API, re.compile(r"/apigateway/main/apis/([^/?#]+)")),
    (Kind.API, re.compile(r"/apigateway/main/develop/routes\?(?:[^#]*&)?api=([^&#]+)")),
    (Kind.FUNCTION, re.compile(r"/lambda/home[^#]*#/functions/([^/?#]+)")),
    (Kind.LOG_GROUP, re.compile(r"/cloudwatch/home[^#]*#logsV2:log-groups/log-group/([^/?#]+)")),
]
_START = ("", "/", "/console", "/console/", "/console/home")


class NotAwsConsole(Exception):
    """The destination is not a page of an AWS console; the browser must not be redirected there."""


@dataclass(frozen=True, slots=True)
class ConsolePage:
    """A page of the sandbox's console: one resource, the overview, or a page that only the real one has."""

    kind: Kind | None = None
    name: str = ""
    """The name of the resource; without a kind, the link of a page that the sandbox does not have."""

    @property
    def path(self) -> str:
        """The page's path in the sandbox."""
        if self.kind is None and not self.name:
            return "/console/"
        return f"/console/{self.kind or OTHER}/{quote(self.name, safe='')}"


def console_page_of(destination: str, origin: str) -> ConsolePage:
    """Return the page for *destination*, a URL of the real console or of the sandbox at *origin*.

    Raises `NotAwsConsole` for other sites.
    """
    url = urlsplit(destination)
    is_sandbox = f"{url.scheme}://{url.netloc}" == origin
    # The whole of `netloc`, which excludes user names and ports.
    is_aws = url.scheme == "https" and _CONSOLE_HOST.fullmatch(url.netloc)
    if not is_sandbox and not is_aws:
        raise NotAwsConsole
    if url.path in _START:
        return ConsolePage()
    link = url.path.removeprefix("/console") if is_sandbox else url.path
    link += f"?{url.query}" if url.query else ""
    link += f"#{url.fragment}" if url.fragment else ""
    for kind, pattern in _LINKS:
        if match := pattern.match(link):
            return ConsolePage(kind, _resource_name(kind, match.group(1)))
    return ConsolePage(name=link)


def _resource_name(kind: Kind, quoted: str) -> str:
    """Return the name of a resource; a queue is identified by its URL."""
    if kind is Kind.LOG_GROUP:
        # CloudWatch encodes the name twice and writes "$" for the outer "%".
        return unquote(unquote(quoted.replace("$", "%")))
    name = unquote(quoted)
    return name.rsplit("/", 1)[-1] if kind is Kind.QUEUE else name
