"""Deep links of the AWS console, and the resource that each one means."""

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote, unquote, urlsplit

from daypass.common.console.partitions import CONSOLE_PARTITIONS

_CONSOLE_HOST = re.compile(
    rf"([a-z0-9-]+\.)?({'|'.join(re.escape(each.console_host) for each in CONSOLE_PARTITIONS.values())})"
)


class Kind(StrEnum):
    """The kinds of resource that the console knows, by the name of their service."""

    BUCKET = "s3"
    TABLE = "dynamodb"
    QUEUE = "sqs"
    TOPIC = "sns"
    STREAM = "kinesis"
    API = "apigateway"


# Path and fragment together, as a browser shows them; the first group is the resource, still encoded.
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
]


class NotOurConsole(Exception):
    """The destination is no page of an AWS console, so nobody is sent there."""


@dataclass(frozen=True, slots=True)
class ConsolePage:
    """A page of the sandbox's console: one resource, or the overview."""

    kind: Kind | None = None
    name: str = ""

    @property
    def path(self) -> str:
        """Where this place is in the sandbox."""
        return f"/console/{self.kind}/{quote(self.name, safe='')}" if self.kind else "/console/"


def place_of(destination: str, origin: str) -> ConsolePage:
    """The place that *destination* means: of the real console, or of the sandbox at *origin*.

    A page of the console that we do not have leads to the overview.
    """
    url = urlsplit(destination)
    ours = f"{url.scheme}://{url.netloc}" == origin
    theirs = url.scheme == "https" and _CONSOLE_HOST.fullmatch(url.netloc)
    if not ours and not theirs:
        raise NotOurConsole
    link = url.path.removeprefix("/console") if ours else url.path
    link += f"?{url.query}" if url.query else ""
    link += f"#{url.fragment}" if url.fragment else ""
    for kind, pattern in _LINKS:
        if found := pattern.match(link):
            return ConsolePage(kind, _last_part(kind, unquote(found.group(1))))
    return ConsolePage()


def _last_part(kind: Kind, name: str) -> str:
    """A queue's URL becomes the queue's name; everything else is a name already."""
    return name.rsplit("/", 1)[-1] if kind is Kind.QUEUE else name
