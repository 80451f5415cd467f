"""ARNs: which kind they mean, what is a name in them, and which tenant a name begins with."""

import re
from collections.abc import Iterable

from daypass.portal.inventory.model import OWNER_TAG, Kind, Resource, ResourceArn, TaggedArn
from daypass.portal.tenants.model import Tenant

_LONGEST = 2048
_ARN = re.compile(r"arn:(aws[a-z-]*):([a-z0-9-]+):([a-z0-9-]*):([0-9]*):(.+)")

# Of each service, how the resource's part of the ARN begins; the first group is the name or the id.
_SHAPES: dict[str, tuple[tuple[Kind, re.Pattern[str]], ...]] = {
    "s3": ((Kind.S3_BUCKET, re.compile(r"([^/:]+)")),),
    "dynamodb": ((Kind.DYNAMODB_TABLE, re.compile(r"table/([^/:]+)")),),
    "sqs": ((Kind.SQS_QUEUE, re.compile(r"([^/:]+)")),),
    "sns": ((Kind.SNS_TOPIC, re.compile(r"([^/:]+)")),),
    "kinesis": ((Kind.KINESIS_STREAM, re.compile(r"stream/([^/:]+)")),),
    "apigateway": ((Kind.API_GATEWAY, re.compile(r"/(?:restapis|apis)/([^/:]+)")),),
    "lambda": ((Kind.LAMBDA_FUNCTION, re.compile(r"function:([^/:]+)")),),
    "rds": ((Kind.RDS_DATABASE, re.compile(r"(?:db|cluster):([^/:]+)")),),
    "secretsmanager": ((Kind.SECRET, re.compile(r"secret:([^:]+)")),),
    "logs": ((Kind.LOG_GROUP, re.compile(r"log-group:([^:]+)")),),
}
SERVICES = tuple(_SHAPES)
"""The services whose resources are listed, by their names in ARNs."""

_NAMELESS = frozenset({Kind.API_GATEWAY})
_SERVICE_PATH = re.compile(r"/aws/[a-z0-9-]+/")
"""What a service puts before the name of a log group that it makes for a resource."""


def parse_resource(arn: str) -> ResourceArn | None:
    """What *arn* says of itself; None where it is none, of another kind, or only a part of a resource."""
    named = containing_resource(arn)
    return named if named is not None and named.arn == arn else None


def containing_resource(arn: str) -> ResourceArn | None:
    """The resource that *arn* is, or is a part of: an object's bucket, a version's function."""
    if len(arn) > _LONGEST or not arn.isprintable():
        return None
    parts = _ARN.fullmatch(arn)
    if parts is None:
        return None
    partition, service, region, account_id, rest = parts.groups()
    for kind, pattern in _SHAPES.get(service, ()):
        found = pattern.match(rest)
        if found and rest[found.end() :][:1] in ("", "/", ":"):
            id_ = found[1]
            return ResourceArn(
                arn=arn[: parts.start(5) + found.end()],
                kind=kind,
                partition=partition,
                region=region,
                account_id=account_id,
                id=id_,
                owned_name=None if kind in _NAMELESS else _owned_name(kind, id_),
            )
    return None


def owned_resource(tagged: TaggedArn, tenant_name: str, role_prefix: str) -> Resource | None:
    """The resource that *tagged* is, where it is this tenant's; None for everything else.

    AWS is asked for one tenant's resources, but its answer is not believed: a tag is set by whoever may
    set tags, a name cannot be changed.
    """
    named = parse_resource(tagged.arn)
    if named is None:
        return None
    if named.owned_name is None:
        is_own = tagged.tags.get(OWNER_TAG) == tenant_name
    else:
        is_own = named.owned_name.startswith(_prefix(tenant_name, role_prefix))
    return Resource(named, tagged.tags) if is_own else None


def owner_by_name(named: ResourceArn, tenants: Iterable[Tenant], role_prefix: str) -> Tenant | None:
    """Of *tenants*, the one whose prefix is the longest that the name begins with."""
    if named.owned_name is None:
        return None
    candidates = (
        tenant for tenant in tenants if named.owned_name.startswith(_prefix(tenant.name, role_prefix))
    )
    return max(candidates, key=lambda tenant: len(tenant.name), default=None)


def _prefix(tenant_name: str, role_prefix: str) -> str:
    return f"{role_prefix}{tenant_name}-"


def _owned_name(kind: Kind, name: str) -> str:
    return _SERVICE_PATH.sub("", name, count=1) if kind is Kind.LOG_GROUP else name
