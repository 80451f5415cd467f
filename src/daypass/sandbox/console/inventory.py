"""The resources that a console session can open, determined by opening them with the session's keys."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from daypass.sandbox.botocore_session import isolated_session
from daypass.sandbox.config import SandboxConfig
from daypass.sandbox.console.signin import ConsoleSession
from daypass.sandbox.console.urls import ConsolePage, Kind

_ONE_TRY = Config(
    # A refusal is a result here, and a page waits for hundreds of calls.
    retries={"total_max_attempts": 1},
    connect_timeout=2,
    read_timeout=5,
    # The sandbox is on this machine, so a proxy from the environment must not be used.
    proxies={},
)
_MOST_TRIED = 200
_MOST_SHOWN = 50

_Client: TypeAlias = Any
"""A botocore client, whose type is created at run time."""


@dataclass(frozen=True, slots=True)
class Opening:
    """The result of opening a resource: its properties, or AWS's refusal."""

    page: ConsolePage
    facts: dict[str, str] = field(default_factory=dict)
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class OpenedResources:
    """The resources of one kind that could be opened, and the number that were tried."""

    kind: Kind
    pages: list[ConsolePage]
    tried: int


class Inventory:
    """A reader of the account's resources, which calls the sandbox over HTTP like any other client."""

    def __init__(self, config: SandboxConfig) -> None:
        self._config = config
        self._botocore = isolated_session()

    def open(self, session: ConsoleSession, page: ConsolePage) -> Opening:
        """Open a resource with the session's keys; raises `ValueError` for the overview."""
        if page.kind is None:
            raise ValueError("The overview is not a resource.")
        try:
            facts = _OPEN[page.kind](self._as_session(session, page.kind), page.name, self._config)
        except (ClientError, BotoCoreError) as refused:
            return Opening(page, refusal=str(refused))
        return Opening(page, facts={label: str(value) for label, value in facts.items()})

    def accessible_resources(self, session: ConsoleSession) -> list[OpenedResources]:
        """Return the resources that the session can open, by kind.

        The names are listed with the root key, because a session may open resources that it cannot list.
        """
        return [self._accessible_of_kind(session, kind) for kind in Kind]

    def _accessible_of_kind(self, session: ConsoleSession, kind: Kind) -> OpenedResources:
        names = sorted(_NAMES[kind](self._as_root(kind)))[:_MOST_TRIED]
        client = self._as_session(session, kind)
        pages = [ConsolePage(kind, name) for name in names if _can_open(client, kind, name, self._config)]
        return OpenedResources(kind, pages, len(names))

    def _as_session(self, session: ConsoleSession, kind: Kind) -> _Client:
        return self._client(kind, session.access_key_id, session.secret_access_key, session.session_token)

    def _as_root(self, kind: Kind) -> _Client:
        return self._client(kind, self._config.root_access_key_id, self._config.root_secret_access_key, None)

    def _client(self, kind: Kind, key: str, secret: str, token: str | None) -> _Client:
        return self._botocore.create_client(
            str(kind),
            region_name=self._config.region,
            endpoint_url=self._config.origin,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=_ONE_TRY,
        )


def _can_open(client: _Client, kind: Kind, name: str, config: SandboxConfig) -> bool:
    try:
        _OPEN[kind](client, name, config)
    except (ClientError, BotoCoreError):
        return False
    return True


def _open_bucket(s3: _Client, name: str, _config: SandboxConfig) -> dict[str, Any]:
    objects = s3.list_objects_v2(Bucket=name, MaxKeys=_MOST_SHOWN).get("Contents", [])
    return {entry["Key"]: f"{entry['Size']} bytes" for entry in objects}


def _open_table(dynamodb: _Client, name: str, _config: SandboxConfig) -> dict[str, Any]:
    table = dynamodb.describe_table(TableName=name)["Table"]
    keys = ", ".join(key["AttributeName"] for key in table["KeySchema"])
    return {"ARN": table["TableArn"], "Items": table["ItemCount"], "Key": keys}


def _open_queue(sqs: _Client, name: str, config: SandboxConfig) -> dict[str, Any]:
    url = f"{config.origin}/{config.account_id}/{name}"
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return {"ARN": attributes["QueueArn"], "Messages": attributes["ApproximateNumberOfMessages"]}


def _open_topic(sns: _Client, arn: str, _config: SandboxConfig) -> dict[str, Any]:
    attributes = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    return {"ARN": attributes["TopicArn"], "Subscriptions": attributes.get("SubscriptionsConfirmed", 0)}


def _open_stream(kinesis: _Client, name: str, _config: SandboxConfig) -> dict[str, Any]:
    stream = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    return {"ARN": stream["StreamARN"], "Status": stream["StreamStatus"], "Shards": stream["OpenShardCount"]}


def _open_api(apigateway: _Client, name: str, config: SandboxConfig) -> dict[str, Any]:
    api = apigateway.get_rest_api(restApiId=name)
    return {"Name": api["name"], "ARN": f"arn:aws:apigateway:{config.region}::/restapis/{api['id']}"}


def _open_function(functions: _Client, name: str, _config: SandboxConfig) -> dict[str, Any]:
    function = functions.get_function(FunctionName=name)["Configuration"]
    return {"ARN": function["FunctionArn"], "Runtime": function["Runtime"], "Role": function["Role"]}


def _open_log_group(logs: _Client, name: str, config: SandboxConfig) -> dict[str, Any]:
    streams = logs.describe_log_streams(logGroupName=name, limit=_MOST_SHOWN)["logStreams"]
    events = logs.filter_log_events(logGroupName=name, limit=_MOST_SHOWN)["events"]
    arn = f"arn:aws:logs:{config.region}:{config.account_id}:log-group:{name}"
    messages = {f"Event {number}": event["message"] for number, event in enumerate(events, 1)}
    return {"ARN": arn, "Streams": len(streams), **messages}


_OPEN: dict[Kind, Callable[[_Client, str, SandboxConfig], dict[str, Any]]] = {
    Kind.BUCKET: _open_bucket,
    Kind.TABLE: _open_table,
    Kind.QUEUE: _open_queue,
    Kind.TOPIC: _open_topic,
    Kind.STREAM: _open_stream,
    Kind.API: _open_api,
    Kind.FUNCTION: _open_function,
    Kind.LOG_GROUP: _open_log_group,
}

_NAMES: dict[Kind, Callable[[Any], list[str]]] = {
    Kind.BUCKET: lambda s3: [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]],
    Kind.TABLE: lambda dynamodb: dynamodb.list_tables()["TableNames"],
    Kind.QUEUE: lambda sqs: [url.rsplit("/", 1)[-1] for url in sqs.list_queues().get("QueueUrls", [])],
    Kind.TOPIC: lambda sns: [topic["TopicArn"] for topic in sns.list_topics()["Topics"]],
    Kind.STREAM: lambda kinesis: kinesis.list_streams()["StreamNames"],
    Kind.API: lambda apigateway: [api["id"] for api in apigateway.get_rest_apis(limit=_MOST_TRIED)["items"]],
    Kind.FUNCTION: lambda functions: [
        function["FunctionName"] for function in functions.list_functions()["Functions"]
    ],
    Kind.LOG_GROUP: lambda logs: [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]],
}
