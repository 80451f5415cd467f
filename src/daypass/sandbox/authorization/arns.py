"""The ARNs that IAM evaluates for a call, from the templates of the tables.

A template such as `service/{cluster=default}/{service|serviceName}` names input members: alternatives are
separated by `|`, and a default follows `=`. A member that is a list gives one ARN for each element. A
template of which a member is missing gives none.
"""

import re
from fnmatch import fnmatchcase
from itertools import product

from daypass.sandbox.authorization import ec2
from daypass.sandbox.authorization.call import Call
from daypass.sandbox.authorization.compute_arns import COMPUTE
from daypass.sandbox.authorization.data_arns import DATA

_TEMPLATES = COMPUTE | DATA
_FIELD = re.compile(r"\{([\w.|]+)(?:=([^}]*))?\}")
_PARTIAL_FUNCTION = re.compile(r"(\d{12}):function:(.+)", re.ASCII)
# AWS knows no resources for the lists of these services.
_ONLY_LISTS = {"autoscaling": "Describe*", "elasticloadbalancing": "Describe*", "ec2": "Describe*"}
_TAGGED_BY_SSM = {
    "Document": "document",
    "MaintenanceWindow": "maintenancewindow",
    "PatchBaseline": "patchbaseline",
}
_LOAD_BALANCERS = {"application": "app", "network": "net", "gateway": "gwy"}


def resource_arns(call: Call) -> list[str]:
    """Return the ARNs of the resources that *call* names, or `*` if it names none."""
    if fnmatchcase(call.operation, _ONLY_LISTS.get(call.service, "")):
        return ["*"]
    if call.service == "ec2":
        return ec2.resource_arns(call)
    found = [
        _corrected(call, arn)
        for template, operations in _TEMPLATES.get(call.service, {}).items()
        if any(fnmatchcase(call.operation, pattern) for pattern in operations.split())
        for arn in expanded(call, template)
    ]
    return list(dict.fromkeys(found)) or ["*"]


def expanded(call: Call, template: str) -> list[str]:
    """Return the ARNs of a template."""
    fields = list(_FIELD.finditer(template))
    choices = [_choices(call, field) for field in fields]
    arns = []
    for values in product(*choices):
        if values and values[-1].startswith("arn:"):
            arns.append(values[-1])
            continue
        names = iter([re.split("[/:]", value)[-1] if value.startswith("arn:") else value for value in values])
        text = _FIELD.sub(lambda _: next(names), template)  # noqa: B023  called at once
        is_whole = text.startswith("arn:")
        arns.append(text if is_whole else f"arn:aws:{call.namespace}:{call.region}:{call.account}:{text}")
    return arns


def _choices(call: Call, field: re.Match[str]) -> list[str]:
    constant = {"_region": call.region, "_account": call.account, "_any": "*"}.get(field.group(1))
    if constant is not None:
        return [constant]
    for path in field.group(1).split("|"):
        if values := call.values(path):
            return values
    return [] if field.group(2) is None else [field.group(2)]


def _corrected(call: Call, arn: str) -> str:
    """Return *arn* as AWS writes it where a template cannot say so."""
    head, _, resource = arn.rpartition(f":{call.account}:")
    match call.service:
        case "lambda" if partial := _PARTIAL_FUNCTION.fullmatch(resource.removeprefix("function:")):
            return f"arn:aws:lambda:{call.region}:{partial.group(1)}:function:{partial.group(2)}"
        case "events":
            return arn.replace(":rule/default/", ":rule/", 1)
        case "ecs" if resource.startswith("task-definition/") and ":" not in resource:
            return f"{arn}:*"
        case "rds" if head:
            # RDS stores identifiers in lower case.
            return f"{head}:{call.account}:{resource.lower()}"
        case "ssm" if resource.startswith("parameter/"):
            kind = _TAGGED_BY_SSM.get("".join(call.values("ResourceType")), "parameter")
            return f"{head}:{call.account}:{kind}/{resource.removeprefix('parameter/').lstrip('/')}"
        case "logs":
            return arn.removesuffix(":*")
        case "codebuild" if resource.startswith("project/"):
            # A build is named after its project.
            return arn.replace(resource, resource.partition(":")[0])
        case "elasticloadbalancing":
            for kind, short in _LOAD_BALANCERS.items():
                arn = arn.replace(f":loadbalancer/{kind}/", f":loadbalancer/{short}/", 1)
    return arn
