"""The page of the AWS console that shows this one resource."""

from collections.abc import Callable
from urllib.parse import quote

from daypass.portal.inventory.model import Kind, Named

_QUEUE_HOSTS = {"aws-cn": "amazonaws.com.cn"}
_QUEUE_HOST = "amazonaws.com"


def console_path(named: Named, tenant_region: str) -> str:
    """Path, query and fragment of the resource's page; the broker knows in which console it lies."""
    region = named.region or tenant_region
    return _PATHS[named.kind](named, region)


def _bucket(named: Named, region: str) -> str:
    return f"/s3/buckets/{_quoted(named.id)}?region={region}&tab=objects"


def _table(named: Named, region: str) -> str:
    return f"/dynamodbv2/home?region={region}#table?name={_quoted(named.id)}"


def _queue(named: Named, region: str) -> str:
    host = f"sqs.{region}.{_QUEUE_HOSTS.get(named.partition, _QUEUE_HOST)}"
    return f"/sqs/v3/home?region={region}#/queues/{_quoted(f'https://{host}/{named.account_id}/{named.id}')}"


def _topic(named: Named, region: str) -> str:
    return f"/sns/v3/home?region={region}#/topic/{quote(named.arn, safe=':')}"


def _stream(named: Named, region: str) -> str:
    return f"/kinesis/home?region={region}#/streams/details/{_quoted(named.id)}/monitoring"


def _api(named: Named, region: str) -> str:
    api = _quoted(named.id)
    return f"/apigateway/main/apis/{api}/resources?api={api}&region={region}"


def _function(named: Named, region: str) -> str:
    return f"/lambda/home?region={region}#/functions/{_quoted(named.id)}?tab=code"


def _database(named: Named, region: str) -> str:
    is_cluster = ";is-cluster=true" if ":cluster:" in named.arn else ""
    return f"/rds/home?region={region}#database:id={_quoted(named.id)}{is_cluster}"


def _secret(named: Named, region: str) -> str:
    # The ARN ends with a dash and six characters that are no part of the name.
    name, dash, tail = named.id.rpartition("-")
    name = name if dash and len(tail) == 6 else named.id
    return f"/secretsmanager/secret?name={_quoted(name)}&region={region}"


def _log_group(named: Named, region: str) -> str:
    # The console encodes twice, and writes $ for the outer %.
    name = quote(_quoted(named.id), safe="").replace("%", "$")
    return f"/cloudwatch/home?region={region}#logsV2:log-groups/log-group/{name}"


def _quoted(text: str) -> str:
    return quote(text, safe="")


_PATHS: dict[Kind, Callable[[Named, str], str]] = {
    Kind.S3_BUCKET: _bucket,
    Kind.DYNAMODB_TABLE: _table,
    Kind.SQS_QUEUE: _queue,
    Kind.SNS_TOPIC: _topic,
    Kind.KINESIS_STREAM: _stream,
    Kind.API_GATEWAY: _api,
    Kind.LAMBDA_FUNCTION: _function,
    Kind.RDS_DATABASE: _database,
    Kind.SECRET: _secret,
    Kind.LOG_GROUP: _log_group,
}
