"""The ready file: addresses and secrets for programs that use the demo, readable by its owner only."""

import json
from pathlib import Path
from typing import Any

from daypass.demo.environment import DemoEnvironment, Tenant
from daypass.demo.errors import DemoError
from daypass.demo.seed.fixtures import REGION, USERS, DemoUser
from daypass.demo.state_dir import write_private


def remove(path: Path) -> None:
    """Remove the file of an earlier demo; raises `DemoError` if the path is not writable."""
    try:
        # Written first, so that a path that is not writable ends the demo before it starts anything.
        write_private(path, b"").unlink()
    except OSError as error:
        raise _unusable(path, error) from error


def write(path: Path, environment: DemoEnvironment, ca_file: Path) -> None:
    """Write the file atomically."""
    try:
        write_private(path, json.dumps(_describe(environment, ca_file), indent=2).encode())
    except OSError as error:
        raise _unusable(path, error) from error


def _describe(environment: DemoEnvironment, ca_file: Path) -> dict[str, Any]:
    return {
        "portal_url": environment.portal_url,
        "provider_url": environment.provider_url,
        "aws_endpoint_url": environment.aws_endpoint_url,
        "ca_file": str(ca_file),
        "region": REGION,
        "users": [_user(environment, user) for user in USERS],
        "tenants": [_tenant(tenant) for tenant in environment.tenants.values()],
    }


def _user(environment: DemoEnvironment, user: DemoUser) -> dict[str, Any]:
    account = environment.accounts[user.username]
    return {
        "username": user.username,
        "password": account.password.reveal() if account.password else None,
        "role": user.role,
        "api_token": account.api_token.reveal(),
    }


def _tenant(tenant: Tenant) -> dict[str, Any]:
    plan = tenant.plan
    return {
        "id": tenant.id,
        "name": plan.name,
        "role_arn": plan.role_arn,
        "buckets": list(plan.buckets),
        "table": plan.table,
        "queue_url": tenant.resources.queue_url,
        "topic_arn": tenant.resources.topic_arn,
        "stream": plan.stream,
        "api_id": tenant.resources.api_id,
    }


def _unusable(path: Path, error: OSError) -> DemoError:
    reason = (error.strerror or str(error)).lower()
    return DemoError(f"The ready file {path} cannot be written ({reason}). Choose another with --ready-file.")
