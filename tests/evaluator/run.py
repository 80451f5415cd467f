"""An IAM evaluator that this project did not write, and how tests ask it.

Its license is the AGPL, so it runs as a process of its own and is no part of what this project distributes.
"""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from daypass.portal.aws.policies import Document
from tests.node_packages import installed

_HERE = Path(__file__).parent
ACCOUNT_ID = "123456789012"


@dataclass(frozen=True, slots=True)
class Rights:
    """The policies that decide the requests of one session."""

    role: Document
    boundary: Document | None = None
    session: Document | None = None
    principal: str = f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/duploservices-dev01/dana@example.com"


@dataclass(frozen=True, slots=True)
class Request:
    """One request to AWS; `named_in` is a resource policy of its resource."""

    action: str
    resource: str = "*"
    context: Mapping[str, str | list[str]] = field(default_factory=dict)
    account_id: str = ACCOUNT_ID
    named_in: Document | None = None

    def __str__(self) -> str:
        told = "".join(f" {key}={value}" for key, value in self.context.items())
        policy = " with a resource policy" if self.named_in else ""
        return f"{self.action} {self.resource}{told}{policy}"


def allowed(rights: Rights, requests: Sequence[Request]) -> set[str]:
    """Return those of *requests* that AWS would allow, as text; one process decides all of them."""
    outcomes = decide([(rights, request) for request in requests])
    return {str(request) for request, is_allowed in zip(requests, outcomes, strict=True) if is_allowed}


def decide(attempts: Sequence[tuple[Rights, Request]]) -> list[bool]:
    """Return for each attempt whether AWS would allow it; one process decides all of them."""
    simulations = [_simulation(rights, request) for rights, request in attempts]
    done = subprocess.run(
        ["node", str(evaluator_folder() / "evaluate.mjs")],
        input=json.dumps(simulations),
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    outcomes: list[str] = json.loads(done.stdout)
    unknown = set(outcomes) - {"Allowed", "ImplicitlyDenied", "ExplicitlyDenied"}
    assert not unknown, unknown
    return [outcome == "Allowed" for outcome in outcomes]


def _simulation(rights: Rights, request: Request) -> dict[str, Any]:
    simulation: dict[str, Any] = {
        "identityPolicies": [{"name": "role", "policy": rights.role}],
        "serviceControlPolicies": [],
        "resourceControlPolicies": [],
        "request": {
            "principal": rights.principal,
            "action": request.action,
            "resource": {"resource": request.resource, "accountId": request.account_id},
            "contextVariables": dict(request.context),
        },
    }
    if rights.boundary is not None:
        simulation["permissionBoundaryPolicies"] = [{"name": "boundary", "policy": rights.boundary}]
    if rights.session is not None:
        simulation["sessionPolicy"] = rights.session
    if request.named_in is not None:
        simulation["resourcePolicy"] = request.named_in
    return simulation


def evaluator_folder() -> Path:
    """Return the folder of the evaluator with its packages."""
    return installed(_HERE, ["evaluate.mjs"])


def writing_actions(service: str) -> list[tuple[str, Sequence[str]]]:
    """Return the actions of a service that change something, each with its kinds of resources."""
    data = evaluator_folder() / "node_modules" / "@cloud-copilot" / "iam-data" / "data" / "actions"
    described = json.loads((data / f"{service}.json").read_text()).values()
    return [
        (f"{service}:{action['name']}", [kind["name"] for kind in action["resourceTypes"]])
        for action in described
        if action["accessLevel"] not in {"Read", "List"}
    ]
