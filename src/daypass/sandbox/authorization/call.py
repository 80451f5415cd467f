"""The operation and the input members of a request, in each of AWS's protocols."""

import json
from dataclasses import dataclass
from typing import Any, TypeAlias

from daypass.sandbox.authorization.routes import match_route

Params: TypeAlias = dict[str, list[str]]
Members: TypeAlias = dict[str, Any]
"""The members of an operation's input, as JSON values; in the query protocol by their names on the wire."""

JSON_SERVICES = frozenset(
    {"acm", "athena", "codebuild", "ecr", "ecs", "events", "firehose", "glue", "kms", "logs"}
) | {"monitoring", "secretsmanager", "ssm", "states", "tagging"}
QUERY_SERVICES = frozenset(
    {"autoscaling", "cloudformation", "ec2", "elasticache", "elasticloadbalancing", "rds"}
)
REST_SERVICES = frozenset({"batch", "elasticfilesystem", "lambda", "opensearch", "scheduler"})
SERVICES = JSON_SERVICES | QUERY_SERVICES | REST_SERVICES
"""The services that this package authorizes; MiniStack does it for the others."""

_NAMESPACES = {"monitoring": "cloudwatch", "opensearch": "es", "tagging": "tag"}
_IAM_NAMES = {
    "lambda:GetLayerVersionByArn": "lambda:GetLayerVersion",
    "lambda:Invoke": "lambda:InvokeFunction",
    "lambda:InvokeWithResponseStream": "lambda:InvokeFunction",
    "kms:ReEncrypt": "kms:ReEncryptFrom",
}
_LIST_NAMES = frozenset({"entry", "member"})


@dataclass(frozen=True, slots=True)
class Call:
    """A call of one operation. *service* is MiniStack's name of the service."""

    service: str
    operation: str
    members: Members
    region: str = ""
    account: str = ""

    @property
    def namespace(self) -> str:
        """The service's prefix in IAM's actions and in ARNs."""
        return _NAMESPACES.get(self.service, self.service)

    @property
    def action(self) -> str:
        """The IAM action, which is not always named after the operation."""
        name = f"{self.namespace}:{self.operation}"
        return _IAM_NAMES.get(name, name)

    def values(self, path: str) -> list[str]:
        """Return the texts at *path*, such as `Targets.RoleArn`; lists on the way are flattened."""
        found: list[Any] = [self.members]
        for name in path.split("."):
            found = [value for each in found for value in _member(each, name)]
        return [str(value) for value in found if isinstance(value, str | int | float) and value != ""]


def read_call(
    service: str, method: str, path: str, headers: dict[str, str], query: Params, body: bytes
) -> Call | None:
    """Return the call in a request, or None for an unknown operation or an ambiguous request.

    *query* has the parameters of the form, if there is one. Only the service's own protocol is read: a
    header or a parameter of another protocol could name an operation that the service does not perform.
    """
    if service in REST_SERVICES:
        found = match_route(service, method, path, query)
        if found is None:
            return None
        operation, members = found
        return Call(service, operation, json_members(body) | members)
    if path != "/":
        return None
    target = headers.get("x-amz-target", "")
    if service in JSON_SERVICES and target:
        # CloudWatch also takes CBOR, of which nothing could be authorized here.
        if "json" not in headers.get("content-type", "") or "Action" in query:
            return None
        return Call(service, target.rpartition(".")[2], json_members(body))
    is_query = service in QUERY_SERVICES or service == "monitoring"
    if not is_query or target or any(len(values) != 1 for values in query.values()) or "Action" not in query:
        return None
    return Call(service, query["Action"][0], nested({name: values[0] for name, values in query.items()}))


def nested(flat: dict[str, str]) -> Members:
    """Return the members of a query request, whose names are such as `Tags.member.1.Key`."""
    root: dict[str, Any] = {}
    for name, value in flat.items():
        *parents, last = [part for part in name.split(".") if part not in _LIST_NAMES]
        node = root
        for part in parents:
            child = node.setdefault(part, {})
            # A name that is both a value and a parent is malformed: the parent is kept.
            if not isinstance(child, dict):
                child = node[part] = {}
            node = child
        node[last] = value
    return {name: _with_lists(value) for name, value in root.items()}


def _with_lists(node: Any) -> Any:  # noqa: ANN401  JSON
    if not isinstance(node, dict):
        return node
    parts = {name: _with_lists(value) for name, value in node.items()}
    if all(name.isdigit() for name in parts):
        return [parts[name] for name in sorted(parts, key=int)]
    # The lists of RDS repeat their element's name, as in `Tags.Tag.1.Key`.
    if len(parts) == 1 and isinstance(only := next(iter(parts.values())), list):
        return only
    return parts


def _member(value: Any, name: str) -> list[Any]:  # noqa: ANN401  JSON
    if not isinstance(value, dict):
        return []
    found = value.get(name)
    if isinstance(found, list):
        return found
    return [] if found is None else [found]


def json_members(body: bytes) -> Members:
    """Return the members in a JSON body; none if the body is not a JSON object."""
    try:
        document = json.loads(body or b"{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
