"""The condition keys of single services, from the members of their calls."""

from fnmatch import fnmatchcase
from typing import Any

from daypass.sandbox.authorization.call import Call

# By service: the operations as a pattern, the condition key, and the path of the member with its value.
_KEYS = {
    "lambda": (
        ("*EventSourceMapping", "lambda:FunctionArn", "FunctionName"),
        ("*FunctionUrlConfig", "lambda:FunctionUrlAuthType", "AuthType"),
        ("AddPermission", "lambda:FunctionUrlAuthType", "FunctionUrlAuthType"),
        ("AddPermission", "lambda:Principal", "Principal"),
        ("*Function*", "lambda:Layer", "Layers"),
        ("*Function*", "lambda:VpcIds", "VpcConfig.VpcId"),
        ("*Function*", "lambda:SubnetIds", "VpcConfig.SubnetIds"),
        ("*Function*", "lambda:SecurityGroupIds", "VpcConfig.SecurityGroupIds"),
    ),
    "ecs": (
        ("*", "ecs:cluster", "cluster"),
        ("*Service", "ecs:task-definition", "taskDefinition"),
        ("*Service", "ecs:enable-execute-command", "enableExecuteCommand"),
        ("RunTask", "ecs:enable-execute-command", "enableExecuteCommand"),
        ("ExecuteCommand", "ecs:container-name", "container"),
    ),
    "events": (
        ("PutTargets", "events:TargetArn", "Targets.Arn"),
        ("PutEvents", "events:source", "Entries.Source"),
        ("PutEvents", "events:detail-type", "Entries.DetailType"),
    ),
    "kms": (
        ("CreateGrant", "kms:GrantOperations", "Operations"),
        ("CreateGrant", "kms:GranteePrincipal", "GranteePrincipal"),
        ("ScheduleKeyDeletion", "kms:ScheduleKeyDeletionPendingWindowInDays", "PendingWindowInDays"),
        ("*", "kms:RequestAlias", "_alias"),
    ),
    "acm": (("RequestCertificate", "acm:DomainNames", "DomainName"),),
    "cloudformation": (
        ("*", "cloudformation:RoleArn", "RoleARN"),
        ("*", "cloudformation:TemplateUrl", "TemplateURL"),
    ),
    "ssm": (("PutParameter", "ssm:Overwrite", "Overwrite"),),
    "secretsmanager": (
        ("CreateSecret", "secretsmanager:Name", "Name"),
        ("DeleteSecret", "secretsmanager:ForceDeleteWithoutRecovery", "ForceDeleteWithoutRecovery"),
    ),
    "logs": (("PutSubscriptionFilter", "logs:DestinationArn", "destinationArn"),),
    "rds": (
        ("*DB*", "rds:DatabaseEngine", "Engine"),
        ("*DB*", "rds:DatabaseClass", "DBInstanceClass"),
    ),
    "ec2": (
        ("RunInstances", "ec2:InstanceType", "InstanceType"),
        ("*IamInstanceProfile*", "ec2:NewInstanceProfile", "IamInstanceProfile.Arn"),
    ),
}


def service_keys(call: Call) -> dict[str, Any]:
    """Return the service's own condition keys of *call*; one with several values is a list."""
    found: dict[str, Any] = {}
    for operations, key, path in _KEYS.get(call.service, ()):
        if fnmatchcase(call.operation, operations) and (values := call.values(path)):
            texts = [_arn(call, key, value) for value in values]
            found[key] = texts[0] if len(texts) == 1 else texts
    if call.service == "kms" and call.operation == "CreateGrant":
        # It is true only for services that AWS integrates with KMS, which do not call the sandbox.
        found["kms:GrantIsForAWSResource"] = "false"
    return found


def _arn(call: Call, key: str, value: str) -> str:
    """Return *value*; as an ARN where the key's value is an ARN and clients may send a name."""
    kinds = {"lambda:FunctionArn": "lambda:{}:{}:function:", "ecs:cluster": "ecs:{}:{}:cluster/"}
    if key not in kinds or value.startswith("arn:"):
        return value.lower() if value in {"True", "False"} else value
    return f"arn:aws:{kinds[key].format(call.region, call.account)}{value}"
