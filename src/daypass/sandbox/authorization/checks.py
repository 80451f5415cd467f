"""IAM's decisions for one call: on its action, on tagging the resources it creates, and on passing roles."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from daypass.sandbox.authorization import ec2
from daypass.sandbox.authorization.arns import expanded, resource_arns
from daypass.sandbox.authorization.call import Call
from daypass.sandbox.authorization.keys import service_keys
from daypass.sandbox.authorization.roles import passed_roles
from daypass.sandbox.authorization.tags import has_tags, tag_keys

# The right to tag that AWS requires beside the right to create with tags, by service; those that name the
# creating operation in a condition key come first.
_TAGGING_WITH_KEY = {
    "cloudformation": "TagResource",
    "ecs": "TagResource",
    "elasticfilesystem": "TagResource",
    "elasticloadbalancing": "AddTags",
}
_TAGGING = {
    "ecr": "TagResource",
    "events": "TagResource",
    "firehose": "TagDeliveryStream",
    "kms": "TagResource",
    "lambda": "TagResource",
    "logs": "TagResource",
    "rds": "AddTagsToResource",
    "secretsmanager": "TagResource",
    "ssm": "AddTagsToResource",
    "states": "TagResource",
}
# The rights to tag and to untag that Resource Groups Tagging requires, where they are named differently.
_TAG_RIGHTS = {
    "acm": ("AddTagsToCertificate", "RemoveTagsFromCertificate"),
    "apigateway": ("PUT", "DELETE"),
    "ec2": ("CreateTags", "DeleteTags"),
    "elasticache": ("AddTagsToResource", "RemoveTagsFromResource"),
    "elasticloadbalancing": ("AddTags", "RemoveTags"),
    "es": ("AddTags", "RemoveTags"),
    "firehose": ("TagDeliveryStream", "UntagDeliveryStream"),
    "kinesis": ("AddTagsToStream", "RemoveTagsFromStream"),
    "rds": ("AddTagsToResource", "RemoveTagsFromResource"),
    "s3": ("PutBucketTagging", "PutBucketTagging"),
    "sqs": ("TagQueue", "UntagQueue"),
    "ssm": ("AddTagsToResource", "RemoveTagsFromResource"),
}
# The new resource that is tagged, where it is not the first one that the call names.
_CREATED = {
    ("ecs", "RunTask"): "task/{cluster=default}/{_any}",
    ("ecs", "StartTask"): "task/{cluster=default}/{_any}",
    ("elasticfilesystem", "CreateAccessPoint"): "access-point/{_any}",
    ("elasticfilesystem", "CreateFileSystem"): "file-system/{_any}",
    ("kms", "CreateKey"): "key/{_any}",
    ("lambda", "CreateEventSourceMapping"): "event-source-mapping:{_any}",
    ("rds", "CopyDBClusterSnapshot"): "cluster-snapshot:{TargetDBClusterSnapshotIdentifier}",
    ("rds", "CopyDBSnapshot"): "snapshot:{TargetDBSnapshotIdentifier}",
    ("rds", "CreateDBClusterSnapshot"): "cluster-snapshot:{DBClusterSnapshotIdentifier}",
    ("rds", "CreateDBSnapshot"): "snapshot:{DBSnapshotIdentifier}",
}
# The part of a parent's ARN that is replaced in the ARN of what is created in it.
_LISTENER_OF_LOAD_BALANCER = (":loadbalancer/", ":listener/")
_RULE_OF_LISTENER = (":listener/", ":listener-rule/")
# A call that only sets tags needs no further right: its own action is the right to tag.
_CREATING = ("Create", "Put", "Register", "Run", "Request", "Import", "Restore", "Copy", "StartTask")


@dataclass(frozen=True, slots=True)
class Check:
    """One decision: whether the caller may do *action* on *arn*, with the condition keys of the request."""

    action: str
    arn: str
    keys: dict[str, Any]


def checks(call: Call, resolve: Callable[[Call, str], str], role_of: Callable[[str], str]) -> list[Check]:
    """Return the decisions for *call*; all of them have to be an Allow.

    *resolve* returns the stored resource's ARN for one that AWS looks up, such as that of an alias, and
    *role_of* the role's ARN of an instance profile.
    """
    arns = [resolve(call, arn) for arn in resource_arns(call)]
    own = service_keys(call)
    needed = [Check(call.action, arn, own | tag_keys(call, _kind(arn))) for arn in arns]
    if call.service == "kms" and call.operation == "ReEncrypt":
        needed = [
            Check(f"kms:ReEncrypt{way}", check.arn, check.keys) for check in needed for way in ("From", "To")
        ]
    needed += _tagging(call, arns) + _tagging_of_others(call)
    needed += [
        Check("iam:PassRole", _role_arn(call, role_of(role)), {"iam:PassedToService": receiver})
        for role, receiver in passed_roles(call)
    ]
    return needed


def _tagging(call: Call, arns: list[str]) -> list[Check]:
    if not call.operation.startswith(_CREATING):
        return []
    if call.service == "ec2":
        return [
            Check(
                "ec2:CreateTags",
                ec2.arn(call, f"{kind}/*"),
                {"ec2:CreateAction": call.operation} | tag_keys(call, kind),
            )
            for kind in ec2.created(call)
            if has_tags(call, kind)
        ]
    if not has_tags(call):
        return []
    keys = tag_keys(call)
    if operation := _TAGGING_WITH_KEY.get(call.service):
        keys[f"{call.namespace}:CreateAction"] = call.operation
    else:
        operation = _TAGGING.get(call.service)
    created = _CREATED.get((call.service, call.operation))
    tagged = expanded(call, created) if created else arns[:1]
    # A listener and its rules are named after their load balancer.
    if call.service == "elasticloadbalancing" and call.operation in {"CreateListener", "CreateRule"}:
        parts = _LISTENER_OF_LOAD_BALANCER if call.operation == "CreateListener" else _RULE_OF_LISTENER
        tagged = [f"{arn.replace(*parts)}/*" for arn in tagged]
    return [Check(f"{call.namespace}:{operation}", arn, keys) for arn in tagged] if operation else []


def _tagging_of_others(call: Call) -> list[Check]:
    """Return the rights that tagging through the tagging service takes in the resources' own."""
    if call.service != "tagging" or call.operation not in {"TagResources", "UntagResources"}:
        return []
    is_removal, keys = call.operation == "UntagResources", tag_keys(call)
    return [
        Check(
            f"{service}:{_TAG_RIGHTS.get(service, ('TagResource', 'UntagResource'))[is_removal]}", arn, keys
        )
        for arn in call.values("ResourceARNList")
        if (service := "".join(arn.split(":")[2:3]))
    ]


def _kind(arn: str) -> str:
    """Return the type of EC2's ARN."""
    return arn.split(":", 5)[5].split("/")[0] if arn.startswith("arn:aws:ec2:") else ""


def _role_arn(call: Call, role: str) -> str:
    return role if role.startswith("arn:") else f"arn:aws:iam::{call.account}:role/{role}"
