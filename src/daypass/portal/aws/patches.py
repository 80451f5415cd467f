"""AWS CLI commands that repair an account, quoted for a POSIX shell."""

import shlex

from daypass.portal.accounts.model import Account
from daypass.portal.aws import policies
from daypass.portal.aws.policies import Document


def aws_cli(*words: str) -> str:
    """Return an AWS CLI command with shell quoting."""
    return shlex.join(("aws", *words))


def update_trust(role: str, document: Document) -> str:
    """Return the command that replaces a role's trust policy."""
    return aws_cli(
        *("iam", "update-assume-role-policy", "--role-name", role),
        *("--policy-document", policies.to_json(document)),
    )


def tag_role(role: str, tenant: str) -> str:
    """Return the command that tags a role with the name of its tenant."""
    return aws_cli(
        "iam", "tag-role", "--role-name", role, "--tags", f"Key={policies.TENANT_TAG},Value={tenant}"
    )


def put_boundary(role: str, boundary_arn: str) -> str:
    """Return the command that puts a permissions boundary on a role."""
    return aws_cli(
        *("iam", "put-role-permissions-boundary", "--role-name", role),
        *("--permissions-boundary", boundary_arn),
    )


def put_role_policy(role: str, name: str, document: Document) -> str:
    """Return the command that writes an inline policy of a role."""
    return aws_cli(
        *("iam", "put-role-policy", "--role-name", role, "--policy-name", name),
        *("--policy-document", policies.to_json(document)),
    )


def delete_role_policy(role: str, name: str) -> str:
    """Return the command that deletes an inline policy of a role."""
    return aws_cli("iam", "delete-role-policy", "--role-name", role, "--policy-name", name)


def attach_policy(role: str, policy_arn: str) -> str:
    """Return the command that attaches a managed policy to a role."""
    return aws_cli("iam", "attach-role-policy", "--role-name", role, "--policy-arn", policy_arn)


def new_version(policy_arn: str, document: Document) -> str:
    """Return the command that makes *document* the default version of a managed policy."""
    return aws_cli(
        *("iam", "create-policy-version", "--policy-arn", policy_arn, "--set-as-default"),
        *("--policy-document", policies.to_json(document)),
    )


def create_policy(name: str, document: Document) -> str:
    """Return the command that creates a managed policy."""
    return aws_cli(
        *("iam", "create-policy", "--policy-name", name, "--policy-document", policies.to_json(document))
    )


def create_role(role: str, path: str, trust: Document) -> str:
    """Return the command that creates a role without a boundary."""
    return aws_cli(*_create_role(role, path, trust))


def create_tenant_role(account: Account, role: str, path: str, trust: Document, tenant: str) -> str:
    """Return the command that creates a tenant's role with boundary and tag."""
    return aws_cli(
        *_create_role(role, path, trust),
        *("--permissions-boundary", account.boundary_arn),
        *("--tags", f"Key={policies.TENANT_TAG},Value={tenant}"),
    )


def _create_role(role: str, path: str, trust: Document) -> tuple[str, ...]:
    where = () if path == "/" else ("--path", path)
    document = ("--assume-role-policy-document", policies.to_json(trust))
    return ("iam", "create-role", "--role-name", role, *where, *document)
