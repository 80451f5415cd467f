"""The resources of EC2's calls: AWS decides once for each part that a call names or creates."""

import re
from typing import Any

from daypass.sandbox.authorization.call import Call

KINDS = {
    "acl": "network-acl",
    "ami": "image",
    "eipalloc": "elastic-ip",
    "eni": "network-interface",
    "fl": "vpc-flow-log",
    "i": "instance",
    "igw": "internet-gateway",
    "key": "key-pair",
    "lt": "launch-template",
    "nat": "natgateway",
    "pcx": "vpc-peering-connection",
    "pg": "placement-group",
    "rtb": "route-table",
    "sg": "security-group",
    "sgr": "security-group-rule",
    "snap": "snapshot",
    "subnet": "subnet",
    "vol": "volume",
    "vpc": "vpc",
    "vpce": "vpc-endpoint",
}
"""The resource types in ARNs, by the prefix of the ids."""

_ID = re.compile(rf"({'|'.join(KINDS)})-[0-9a-f]+", re.ASCII)
_CREATED = {
    "AllocateAddress": ("elastic-ip",),
    "CopyImage": ("image",),
    "CopySnapshot": ("snapshot",),
    "CreateDhcpOptions": ("dhcp-options",),
    "CreateFlowLogs": ("vpc-flow-log",),
    "CreateImage": ("image", "snapshot"),
    "CreateInternetGateway": ("internet-gateway",),
    "CreateKeyPair": ("key-pair",),
    "CreateLaunchTemplate": ("launch-template",),
    "CreateNatGateway": ("natgateway",),
    "CreateNetworkAcl": ("network-acl",),
    "CreateNetworkInterface": ("network-interface",),
    "CreatePlacementGroup": ("placement-group",),
    "CreateRouteTable": ("route-table",),
    "CreateSecurityGroup": ("security-group",),
    "CreateSnapshot": ("snapshot",),
    "CreateSubnet": ("subnet",),
    "CreateVolume": ("volume",),
    "CreateVpc": ("vpc",),
    "CreateVpcEndpoint": ("vpc-endpoint",),
    "CreateVpcPeeringConnection": ("vpc-peering-connection",),
    "ImportKeyPair": ("key-pair",),
    "RegisterImage": ("image",),
    "RunInstances": ("instance", "volume", "network-interface"),
}
# Rules name other groups, which AWS does not evaluate.
_UNEVALUATED = frozenset({"IpPermissions", "SecurityGroupRule", "SecurityGroupRuleDescription", "Filter"})
WITHOUT_ACCOUNT = frozenset({"image", "snapshot"})
"""The resource types whose ARNs have no account."""
_NAMES = {"KeyName": "key-pair", "LaunchTemplateName": "launch-template"}
DEFAULT_SUBNET, DEFAULT_GROUP = "subnet-00000001", "sg-00000001"
"""The subnet and the group of an instance that names none, in MiniStack's default VPC."""


def resource_arns(call: Call) -> list[str]:
    """Return one ARN for each part of the call; `*` for a list."""
    if call.operation.startswith(("Get", "List")):
        return ["*"]
    names = [KINDS[text.split("-")[0]] + "/" + text for text in _ids(call.members)]
    names += [f"{kind}/{name}" for member, kind in _NAMES.items() for name in _texts(call.members, member)]
    names += [f"{kind}/*" for kind in _CREATED.get(call.operation, ())]
    if call.operation == "RunInstances":
        names += [f"subnet/{DEFAULT_SUBNET}"] if not any(name.startswith("subnet/") for name in names) else []
        names += [f"security-group/{DEFAULT_GROUP}"] if "security-group/" not in " ".join(names) else []
    return [arn(call, name) for name in dict.fromkeys(names)] or ["*"]


def arn(call: Call, name: str) -> str:
    """Return the ARN of a resource such as `instance/i-1`."""
    account = "" if name.split("/")[0] in WITHOUT_ACCOUNT else call.account
    return f"arn:aws:ec2:{call.region}:{account}:{name}"


def created(call: Call) -> tuple[str, ...]:
    """Return the resource types that the call creates."""
    return _CREATED.get(call.operation, ())


def _ids(value: Any, name: str = "") -> list[str]:  # noqa: ANN401  JSON
    if isinstance(value, dict):
        return [text for key, each in value.items() if key not in _UNEVALUATED for text in _ids(each, key)]
    if isinstance(value, list):
        return [text for each in value for text in _ids(each, name)]
    # Names of groups and descriptions may look like ids; those of parts end like this.
    is_id = isinstance(value, str) and _ID.fullmatch(value) and re.search(r"Ids?$|^Resource|^GroupId", name)
    return [value] if is_id else []


def _texts(members: dict[str, Any], name: str) -> list[str]:
    found = [members[name]] if isinstance(members.get(name), str) else []
    template = members.get("LaunchTemplate")
    if isinstance(template, dict) and isinstance(template.get(name), str):
        found.append(template[name])
    return found
