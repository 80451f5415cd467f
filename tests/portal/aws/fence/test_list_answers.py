"""The answers of the calls that show all tenants' resources, by the models of AWS's own SDK.

A list may show names and properties. Members that AWS marks as sensitive are contents or secrets, unless they
are reviewed here.
"""

from collections.abc import Iterator, Mapping, Sequence

import pytest
from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.session import Session

from daypass.portal.aws.fence.catalogue import offered_services
from daypass.portal.aws.fence.model import Service
from tests.evaluator.authorization_data import matching

# SDK models by IAM prefix, where the names differ.
MODELS: Mapping[str, Sequence[str]] = {
    "bedrock": ("bedrock", "bedrock-agent"),
    "dynamodb": ("dynamodb", "dynamodbstreams"),
    "elasticfilesystem": ("efs",),
    "elasticloadbalancing": ("elb", "elbv2"),
    "es": ("opensearch", "es"),
    "servicequotas": ("service-quotas",),
    "states": ("stepfunctions",),
}

REVIEWED: Mapping[str, str] = {
    "MasterUserPassword": "AWS replaces the password of a pending change by asterisks.",
    "InitQuery": "A statement for the settings of a connection, without a password.",
    "OptionSettings": "AWS does not return the passwords among the settings.",
    "IPAddress": "The address of a managed node is a property.",
    "name": "A name.",
    "description": "A description.",
    "Comment": "A description.",
    "diagnostics": "The answer is about the text in the request.",
    "RandomPassword": "The password is made for the request, and AWS keeps no copy.",
}

SESSION = Session()
LISTS = [service for service in offered_services() if any(rule.by == "list" for rule in service.allow)]


@pytest.mark.parametrize("service", LISTS, ids=lambda service: service.name)
def test_lists_of_all_tenants_return_nothing_sensitive(service: Service) -> None:
    allowed = {action for rule in service.allow if rule.by == "list" for action in _named(rule.actions)}
    # A Deny under a condition is about other tenants' resources.
    denied = {action for rule in service.deny for action in _named(rule.actions)}

    shown = {
        f"{action}: {'.'.join(path)}"
        for action in allowed - denied
        for output in _outputs(action)
        for path in _sensitive(output)
        if not REVIEWED.keys() & {*path}
    }
    assert sorted(shown) == []


def _named(patterns: Sequence[str]) -> set[str]:
    return {action.name for pattern in patterns for action in matching(pattern)}


def _outputs(action: str) -> Iterator[Shape]:
    prefix, _, name = action.partition(":")
    session = SESSION
    for model in MODELS.get(prefix, (prefix,)):
        if model in session.get_available_services():
            service = session.get_service_model(model)
            if name in service.operation_names and (output := service.operation_model(name).output_shape):
                yield output


def _sensitive(
    shape: Shape, path: tuple[str, ...] = (), above: tuple[str, ...] = ()
) -> Iterator[tuple[str, ...]]:
    """Yield the path of each member that AWS marks as sensitive; a type within itself is followed once."""
    if shape.name in above:
        return
    above = (*above, shape.name)
    if shape.metadata.get("sensitive"):
        yield path
    elif isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            yield from _sensitive(member, (*path, name), above)
    elif isinstance(shape, ListShape):
        yield from _sensitive(shape.member, path, above)
    elif isinstance(shape, MapShape):
        yield from _sensitive(shape.value, path, above)
