"""Pages of the AWS console: which one is meant by the name of a service, or by the ARN of a resource."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from daypass.cli.errors import Misused

_SERVICES = {
    "apigateway": "/apigateway/main/apis?region={region}",
    "cloudwatch": "/cloudwatch/home?region={region}",
    "dynamodb": "/dynamodbv2/home?region={region}#tables",
    "ec2": "/ec2/home?region={region}#Instances:",
    "ecs": "/ecs/v2/clusters?region={region}",
    "kinesis": "/kinesis/home?region={region}#/streams/list",
    "lambda": "/lambda/home?region={region}#/functions",
    "logs": "/cloudwatch/home?region={region}#logsV2:log-groups",
    "rds": "/rds/home?region={region}#databases:",
    "s3": "/s3/buckets?region={region}",
    "secretsmanager": "/secretsmanager/listsecrets?region={region}",
    "sns": "/sns/v3/home?region={region}#/topics",
    "sqs": "/sqs/v3/home?region={region}#/queues",
}
"""Services whose pages lie elsewhere than at /NAME/home."""

_SERVICE = re.compile(r"[a-z][a-z0-9-]{0,40}")


@dataclass(frozen=True, slots=True)
class Arn:
    """An ARN, taken apart."""

    text: str
    service: str
    region: str
    account: str
    resource: str

    @property
    def last(self) -> str:
        """The resource's own name: what follows its kind."""
        return re.split("[/:]", self.resource, maxsplit=1)[-1]


def destination(named: str, region: str) -> str:
    """The console page for *named*: a service, an ARN, or the address or path of a page itself."""
    if named.startswith(("/", "https://", "http://")):
        return named
    if named.startswith("arn:"):
        return _page_of(_arn(named), region)
    if not _SERVICE.fullmatch(named):
        raise Misused(f"{named} is neither a service such as s3, nor an ARN, nor a page of the AWS console.")
    return _SERVICES.get(named, f"/{named}/home?region={{region}}").format(region=region)


def needs_region(named: str) -> bool:
    """Whether *named* leaves the region open."""
    return not named.startswith(("/", "https://", "http://")) and not (
        named.startswith("arn:") and _arn(named).region
    )


def _arn(text: str) -> Arn:
    parts = text.split(":", 5)
    if len(parts) < 6 or not all((parts[1], parts[2], parts[5])):
        raise Misused(f"{text} is not an ARN: it looks like arn:aws:s3:::my-bucket.")
    return Arn(text, *parts[2:])


def _page_of(arn: Arn, region: str) -> str:
    page = _PAGES.get(arn.service)
    if page is None:
        raise Misused(
            f"No page is known for a resource of {arn.service}; open the service: daypass web {arn.service}"
        )
    return page(arn, arn.region or region)


def _bucket(arn: Arn, region: str) -> str:
    bucket, _, key = arn.resource.partition("/")
    if key:
        return f"/s3/object/{_safe(bucket)}?region={region}&prefix={_safe(key)}"
    return f"/s3/buckets/{_safe(bucket)}?region={region}&tab=objects"


def _queue(arn: Arn, region: str) -> str:
    url = f"https://sqs.{region}.amazonaws.com/{arn.account}/{arn.resource}"
    return f"/sqs/v3/home?region={region}#/queues/{_safe(url)}"


def _api(arn: Arn, region: str) -> str:
    # arn:aws:apigateway:REGION::/restapis/ID
    identity = arn.resource.strip("/").split("/")[1:2] or [""]
    return f"/apigateway/main/apis/{_safe(identity[0])}/resources?api={_safe(identity[0])}&region={region}"


def _log_group(arn: Arn, region: str) -> str:
    # The console writes the fragment's percent sign as $25, and a slash is encoded twice.
    name = _safe(_safe(arn.last.removesuffix(":*"))).replace("%", "$")
    return f"/cloudwatch/home?region={region}#logsV2:log-groups/log-group/{name}"


def _secret(arn: Arn, region: str) -> str:
    # AWS adds six letters of its own to the name.
    name = re.sub(r"-[A-Za-z0-9]{6}$", "", arn.last)
    return f"/secretsmanager/secret?name={_safe(name)}&region={region}"


def _table(arn: Arn, region: str) -> str:
    # What belongs to a table, such as an index, has an ARN that begins with the table's.
    name = arn.last.partition("/")[0]
    return f"/dynamodbv2/home?region={region}#table?name={_safe(name)}"


def _plain(path: str) -> Callable[[Arn, str], str]:
    """A page whose address names the region and the resource's own name."""
    return lambda arn, region: path.format(region=region, name=_safe(arn.last))


_PAGES: dict[str, Callable[[Arn, str], str]] = {
    "apigateway": _api,
    "dynamodb": _table,
    "ec2": _plain("/ec2/home?region={region}#InstanceDetails:instanceId={name}"),
    "ecs": _plain("/ecs/v2/clusters/{name}/services?region={region}"),
    "kinesis": _plain("/kinesis/home?region={region}#/streams/details/{name}/monitoring"),
    "lambda": _plain("/lambda/home?region={region}#/functions/{name}?tab=code"),
    "logs": _log_group,
    "rds": _plain("/rds/home?region={region}#database:id={name}"),
    "s3": _bucket,
    "secretsmanager": _secret,
    "sns": lambda arn, region: f"/sns/v3/home?region={region}#/topic/{quote(arn.text, safe=':')}",
    "sqs": _queue,
}


def _safe(text: str) -> str:
    return quote(text, safe="")
