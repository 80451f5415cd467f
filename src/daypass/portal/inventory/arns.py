"""Parsing of ARNs: the kind of resource, its name, and the tenant that the name's prefix belongs to."""

import re
from collections.abc import Callable, Iterable

from daypass.portal.inventory.model import OWNER_TAG, Kind, Resource, ResourceArn, TaggedArn
from daypass.portal.tenants.model import Tenant

_LONGEST = 2048
_ARN = re.compile(r"arn:(aws[a-z-]*):([a-z0-9-]+):([a-z0-9-]*):([0-9]*):(.+)")

# Per service, the pattern at the start of the ARN's resource part; the first group is the name or ID.
_SHAPES: dict[str, tuple[tuple[Kind, re.Pattern[str]], ...]] = {
    "s3": ((Kind.S3_BUCKET, re.compile(r"([^/:]+)")),),
    "dynamodb": ((Kind.DYNAMODB_TABLE, re.compile(r"table/([^/:]+)")),),
    "sqs": ((Kind.SQS_QUEUE, re.compile(r"([^/:]+)")),),
    "sns": ((Kind.SNS_TOPIC, re.compile(r"([^/:]+)")),),
    "kinesis": ((Kind.KINESIS_STREAM, re.compile(r"stream/([^/:]+)")),),
    "apigateway": ((Kind.API_GATEWAY, re.compile(r"/(?:restapis|apis)/([^/:]+)")),),
    "lambda": ((Kind.LAMBDA_FUNCTION, re.compile(r"function:([^/:]+)")),),
    "rds": ((Kind.RDS_DATABASE, re.compile(r"(?:db|cluster):([^/:]+)")),),
    # The names of secrets and log groups may contain slashes.
    "secretsmanager": ((Kind.SECRET, re.compile(r"secret:([^:]+)")),),
    "logs": ((Kind.LOG_GROUP, re.compile(r"log-group:([^:]+)")),),
}
SERVICES = tuple(_SHAPES)
"""The listed services, by their names in ARNs."""

_NAMELESS = frozenset({Kind.API_GATEWAY})
_SERVICE_PATH = re.compile(r"/aws/[a-z0-9-]+/")
"""The prefix of a log group that a service creates for a resource."""


def parse_resource(arn: str) -> ResourceArn | None:
    """Parse *arn*; None if it is invalid, of an unlisted kind, or only a part of a resource."""
    named = containing_resource(arn)
    return named if named is not None and named.arn == arn else None


def containing_resource(arn: str) -> ResourceArn | None:
    """Return the resource that *arn* is, or is a part of: an object's bucket, a version's function."""
    if len(arn) > _LONGEST or not arn.isprintable():
        return None
    parts = _ARN.fullmatch(arn)
    if parts is None:
        return None
    partition, service, region, account_id, rest = parts.groups()
    for kind, pattern in _SHAPES.get(service, ()):
        match = pattern.match(rest)
        # The name must end where the pattern does, or at a separator: the rest names a part of the resource.
        if match and rest[match.end() :][:1] in ("", "/", ":"):
            id_ = match[1]
            return ResourceArn(
                arn=arn[: parts.start(5) + match.end()],
                kind=kind,
                partition=partition,
                region=region,
                account_id=account_id,
                id=id_,
                owned_name=None if kind in _NAMELESS else _owned_name(kind, id_),
            )
    return None


def owned_resource(tagged: TaggedArn, tenant_name: str, role_prefix: str) -> Resource | None:
    """Return *tagged* as a resource if it belongs to this tenant; else None.

    The request to AWS names one tenant's tag, but its answer is not trusted: any principal with tagging
    rights can set a tag, whereas a name cannot be changed.
    """
    named = parse_resource(tagged.arn)
    if named is None:
        return None
    if named.owned_name is None:
        is_own = tagged.tags.get(OWNER_TAG) == tenant_name
    else:
        is_own = named.owned_name.startswith(_prefix(tenant_name, role_prefix))
    return Resource(named, tagged.tags) if is_own else None


def owner_by_name(
    named: ResourceArn, tenants: Iterable[Tenant], find_role_prefix: Callable[[Tenant], str]
) -> Tenant | None:
    """Return the tenant with the longest prefix that matches the name, or None.

    `find_role_prefix` returns what the names of roles and resources begin with in the account of a tenant.
    """
    owned_name = named.owned_name
    if owned_name is None:
        return None

    def prefix_of(tenant: Tenant) -> str:
        return _prefix(tenant.name, find_role_prefix(tenant))

    candidates = [tenant for tenant in tenants if owned_name.startswith(prefix_of(tenant))]
    return max(candidates, key=lambda tenant: len(prefix_of(tenant)), default=None)


def _prefix(tenant_name: str, role_prefix: str) -> str:
    return f"{role_prefix}{tenant_name}-"


def _owned_name(kind: Kind, name: str) -> str:
    return _SERVICE_PATH.sub("", name, count=1) if kind is Kind.LOG_GROUP else name
