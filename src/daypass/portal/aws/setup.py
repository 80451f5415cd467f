"""The resources that the portal needs in its AWS account, as code in several formats with comments."""

import json
import shlex
from collections.abc import Callable, Mapping, Sequence

from daypass.portal.accounts.model import BOUNDARY, Account
from daypass.portal.aws import policies
from daypass.portal.aws.fence.managed import ManagedPolicy, managed_policies
from daypass.portal.aws.patches import aws_cli, create_policy
from daypass.portal.aws.policies import Document, Need
from daypass.portal.aws.trust.policy import trust_policy

_TITLE = "What the Daypass portal needs in the AWS account {account}, and nothing more"
_USER_WHY = (
    "The portal's own identity. A user with long-term keys, because AWS caps role chaining at one hour, "
    "whatever is set. If an hour is enough, attach the policy to the role that the portal runs with instead."
)
_MASTER_WHY = (
    "The role of admin sessions: all of the account, except changes to the portal's own user, roles and "
    "managed policies. Only the portal can assume it, and only for a known user."
)
_KEYS_WHY = "The keys to start the portal with, as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; shown once."
_WIDTH = 108
_LARGEST_TEMPLATE_BODY = 50_000
"""The size of a template, in bytes, that is certainly below CloudFormation's limit of 51,200 without S3."""
_UPLOAD = (
    " The template is larger than CloudFormation accepts in a request: pass `aws cloudformation deploy` a "
    "bucket with --s3-bucket, or upload the file in the console."
)
# An id is part of a stack's identity of its resource, so the one of earlier versions stays.
_LOGICAL_IDS = {BOUNDARY: "TenantBoundary"}


def as_cli(account: Account, user: str) -> str:
    """Return a shell script for the AWS CLI."""
    sections = (
        [
            "#!/bin/sh",
            *_comment(_TITLE.format(account=account.id) + ". Run it once, with permissions to change IAM."),
            "set -eu",
        ],
        _cli_user(account, user),
        *(_cli_policy(policy) for policy in managed_policies(account)),
        _cli_master_role(account, _user_arn(account, user)),
        [
            *_comment(_KEYS_WHY),
            aws_cli("iam", "create-access-key", "--user-name", user),
        ],
    )
    return _joined(sections)


def _cli_user(account: Account, user: str) -> Sequence[str]:
    return [
        *_comment(_USER_WHY),
        aws_cli("iam", "create-user", "--user-name", user),
        # IAM refuses the master role's trust policy until the user that it names exists everywhere.
        aws_cli("iam", "wait", "user-exists", "--user-name", user),
        "",
        *(line for need in policies.portal_needs(account) for line in _comment(_why(need))),
        aws_cli("iam", "put-user-policy", "--user-name", user, "--policy-name", "daypass") + " \\",
        f"  --policy-document {_quoted(policies.portal_policy(account))}",
    ]


def _cli_policy(policy: ManagedPolicy) -> Sequence[str]:
    return [*_comment(policy.purpose), create_policy(policy.name, policy.document)]


def _cli_master_role(account: Account, user_arn: str) -> Sequence[str]:
    role = account.master_role
    return [
        *_comment(_MASTER_WHY),
        aws_cli("iam", "create-role", "--role-name", role) + " \\",
        f"  --assume-role-policy-document {_quoted(trust_policy(user_arn, None, None))}",
        aws_cli("iam", "put-role-policy", "--role-name", role, "--policy-name", "master") + " \\",
        f"  --policy-document {_quoted(policies.master_policy(account, user_arn))}",
    ]


def as_cloudformation(account: Account, user: str) -> str:
    """Return a CloudFormation template; embedded JSON is valid YAML."""
    lines = [
        'AWSTemplateFormatVersion: "2010-09-09"',
        "Description: The Daypass portal's user, the policies of tenants' roles, and the master role",
        "Resources:",
        *_cloudformation_user(account, user),
        *(line for policy in managed_policies(account) for line in _cloudformation_policy(policy)),
        *_cloudformation_master_role(account, _user_arn(account, user)),
    ]
    template = "\n".join(lines) + "\n"
    title = _TITLE.format(account=account.id) + "."
    if len(template) > _LARGEST_TEMPLATE_BODY:
        title += _UPLOAD
    return "\n".join([*_comment(title), template])


def _cloudformation_policy(policy: ManagedPolicy) -> Sequence[str]:
    return [
        *_comment(policy.purpose, "  "),
        f"  {_LOGICAL_IDS.get(policy.name) or _camel_case(policy.name)}:",
        "    Type: AWS::IAM::ManagedPolicy",
        "    Properties:",
        f"      ManagedPolicyName: {policy.name}",
        f"      PolicyDocument: {policies.to_json(policy.document)}",
    ]


def _cloudformation_user(account: Account, user: str) -> Sequence[str]:
    statements = [
        line
        for need in policies.portal_needs(account)
        for line in (*_comment(_why(need), " " * 14), f"              - {json.dumps(need.statement)}")
    ]
    return [
        *_comment(_USER_WHY + " Make its access key by hand: a template's outputs would show it.", "  "),
        "  PortalUser:",
        "    Type: AWS::IAM::User",
        "    Properties:",
        f"      UserName: {json.dumps(user)}",
        "      Policies:",
        "        - PolicyName: daypass",
        "          PolicyDocument:",
        '            Version: "2012-10-17"',
        "            Statement:",
        *statements,
    ]


def _cloudformation_master_role(account: Account, user_arn: str) -> Sequence[str]:
    return [
        *_comment(_MASTER_WHY, "  "),
        "  MasterRole:",
        "    Type: AWS::IAM::Role",
        # The trust policy names the user as text, from which CloudFormation cannot infer the order.
        "    DependsOn: PortalUser",
        "    Properties:",
        f"      RoleName: {json.dumps(account.master_role)}",
        f"      AssumeRolePolicyDocument: {json.dumps(trust_policy(user_arn, None, None))}",
        "      Policies:",
        "        - PolicyName: master",
        f"          PolicyDocument: {json.dumps(policies.master_policy(account, user_arn))}",
    ]


def as_terraform(account: Account, user: str) -> str:
    """Return a Terraform configuration; JSON is a valid Terraform expression."""
    sections = (
        _comment(_TITLE.format(account=account.id) + "."),
        _terraform_user(account, user),
        *(_terraform_policy(policy) for policy in managed_policies(account)),
        _terraform_master_role(account, _user_arn(account, user)),
    )
    return _joined(sections)


def _terraform_user(account: Account, user: str) -> Sequence[str]:
    statements = [
        line
        for need in policies.portal_needs(account)
        for line in (*_comment(_why(need), "      "), f"      {_hcl(need.statement)},")
    ]
    return [
        *_comment(_USER_WHY),
        'resource "aws_iam_user" "daypass_portal" {',
        f"  name = {_hcl(user)}",
        "}",
        "",
        'resource "aws_iam_user_policy" "daypass_portal" {',
        '  name = "daypass"',
        "  user = aws_iam_user.daypass_portal.name",
        "  policy = jsonencode({",
        '    "Version" : "2012-10-17",',
        '    "Statement" : [',
        *statements,
        "    ]",
        "  })",
        "}",
    ]


def _terraform_policy(policy: ManagedPolicy) -> Sequence[str]:
    return [
        *_comment(policy.purpose),
        f'resource "aws_iam_policy" "{policy.name.replace("-", "_")}" {{',
        f'  name   = "{policy.name}"',
        f"  policy = {_jsonencode(policy.document)}",
        "}",
    ]


def _terraform_master_role(account: Account, user_arn: str) -> Sequence[str]:
    return [
        *_comment(_MASTER_WHY),
        'resource "aws_iam_role" "daypass_master" {',
        f"  name               = {_hcl(account.master_role)}",
        f"  assume_role_policy = {_jsonencode(trust_policy(user_arn, None, None))}",
        # As in CloudFormation, the trust policy does not refer to the user's resource.
        "  depends_on         = [aws_iam_user.daypass_portal]",
        "}",
        "",
        'resource "aws_iam_role_policy" "daypass_master" {',
        '  name   = "master"',
        "  role   = aws_iam_role.daypass_master.name",
        f"  policy = {_jsonencode(policies.master_policy(account, user_arn))}",
        "}",
    ]


FORMATS: Mapping[str, Callable[[Account, str], str]] = {
    "cli": as_cli,
    "cloudformation": as_cloudformation,
    "terraform": as_terraform,
}


def _joined(sections: Sequence[Sequence[str]]) -> str:
    """Return the sections as one text, with an empty line between them."""
    return "\n\n".join("\n".join(lines) for lines in sections) + "\n"


def _camel_case(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("-"))


def _user_arn(account: Account, user: str) -> str:
    return f"arn:{account.partition}:iam::{account.id}:user/{user}"


def _why(need: Need) -> str:
    return f"{need.sid}: {', '.join(need.actions)}, to {need.why}."


def _quoted(document: Document) -> str:
    return shlex.quote(policies.to_json(document))


def _jsonencode(document: Document) -> str:
    return f"jsonencode({_hcl(document)})"


def _hcl(value: object) -> str:
    """Return *value* as a Terraform expression, with the template markers `${` and `%{` escaped."""
    return json.dumps(value).replace("${", "$${").replace("%{", "%%{")


def _comment(text: str, indent: str = "") -> Sequence[str]:
    """Return a wrapped comment; `#` begins a comment in all formats."""
    lines, line = [], f"{indent}#"
    for word in text.split():
        if len(line) + 1 + len(word) > _WIDTH:
            lines.append(line)
            line = f"{indent}#"
        line += f" {word}"
    return [*lines, line]
