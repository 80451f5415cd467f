"""Answers to Administrators conform to the OpenAPI document for any input, including changes."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance
from schemathesis.specs.openapi.schemas import OpenApiSchema

from daypass.portal.identity.model import TokenKind
from tests.portal.http.api.fuzzer import OPENAPI_PATH, load_schema
from tests.portal.http.client import Client
from tests.portal.http.world import ADMIN, DANA, DEV, World
from tests.portal.http.world import world as make_world


@pytest.fixture(scope="module")
def world(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A portal that the fuzzer may change."""
    path = tmp_path_factory.mktemp("described") / "daypass.db"
    shutil.copy(sqlite_template, path)
    with make_world(f"sqlite:///{path}") as new_world:
        yield new_world


@pytest.fixture(scope="module")
def described(world: World) -> OpenApiSchema:
    return load_schema(world.portal.app)


@pytest.mark.parametrize("mode", list(GenerationMode))
@settings(max_examples=120, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_answer_to_an_administrator_conforms_to_the_document(
    world: World, described: OpenApiSchema, mode: GenerationMode, data: st.DataObject
) -> None:
    case = data.draw(described.as_strategy(generation_mode=mode))
    # A new token each time, because an earlier call may have revoked the last one.
    token = {"Authorization": f"Bearer {world.token(ADMIN, TokenKind.PERMANENT)[0]}"}
    case.headers.setdefault("If-Match", "*")

    # The schema does not express which resources exist and which fields go together.
    case.call_and_validate(headers=token, excluded_checks=[positive_data_acceptance])


def _preconditions(operation: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the precondition headers of an operation in the document, by name."""
    return {
        one["name"]: one for one in operation["parameters"] if one["name"] in {"If-Match", "If-None-Match"}
    }


def test_a_missing_precondition_is_refused_with_the_headers_that_the_document_describes(
    still_world: World, still_client: Client
) -> None:
    admin, refused = still_world.tokens[ADMIN], {}
    things = {
        "tenant": DEV.id,
        "user": DANA,
        "type": "Flags",
        "key": "EnableAwsAdminJitAccess",
        "permission_set": "operator",
        "rule": "shop",
        "group": "none",
    }
    bodies = {
        "permission-sets": {"rank": 500, "policies": ["aws:ReadOnlyAccess"]},
        "workload-rules": {
            "kind": "google",
            "claims": {"sub": "112233445566778899001"},
            "service_account": DANA,
        },
        "password": {"password": "correct horse battery"},
        "memberships": {},
        "members": {"access": "full"},
        "settings": {"value": "true"},
        "metadata": {"value": "team blue"},
    }
    for path, methods in still_client.get(OPENAPI_PATH).json["paths"].items():
        for method, operation in methods.items():
            if "428" not in operation["responses"]:
                assert not _preconditions(operation)
                continue
            body = next((body for word, body in bodies.items() if f"/{word}" in path), {})
            sent = json.dumps(body).encode()
            answer = still_client.send(method.upper(), path.format(**things), admin, body=sent)
            headers = _preconditions(operation)
            examples = {
                name: [one["value"] for one in header["examples"].values()]
                for name, header in headers.items()
            }

            assert answer.status == 428, (method, path, answer.body)
            assert "If-Match" in answer.json["detail"]
            assert ("If-None-Match: *" in answer.json["detail"]) == ("If-None-Match" in headers)
            assert examples["If-Match"][0].startswith('"')
            assert "*" in examples["If-Match"]
            assert examples.get("If-None-Match", ["*"]) == ["*"]
            refused[operation["operationId"]] = answer

    assert {"putMember", "putSetting", "putTenantSetting", "putMetadata", "updateUser"} <= refused.keys()
