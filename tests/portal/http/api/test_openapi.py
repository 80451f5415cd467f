"""The OpenAPI document is valid and complete, and answers conform to it for any input."""

import re

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance
from schemathesis.specs.openapi.schemas import OpenApiSchema

from daypass.portal.http.core.routing import ExactRoute
from tests.portal.http.api.fuzzer import OPENAPI_PATH, load_schema
from tests.portal.http.client import Client
from tests.portal.http.world import DANA, PUBLIC_URL, World


@pytest.fixture
def described(still_world: World) -> OpenApiSchema:
    """The OpenAPI document as a Schemathesis schema."""
    return load_schema(still_world.portal.app)


def test_the_document_is_valid_and_needs_no_token(described: OpenApiSchema, still_client: Client) -> None:
    described.validate()
    assert still_client.get(OPENAPI_PATH).json["openapi"] == "3.1.0"
    assert still_client.get(OPENAPI_PATH).json["servers"] == [{"url": PUBLIC_URL}]


def test_the_document_describes_exactly_the_existing_operations(
    still_world: World, still_client: Client
) -> None:
    paths = still_client.get(OPENAPI_PATH).json["paths"]
    described = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    served = {
        f"{method} {route.path.replace(':path}', '}')}"
        for channel in still_world.portal.channels
        for route in channel.routes
        if isinstance(route, ExactRoute) and route.path.startswith("/api/")
        for method in [route.method]
    }

    assert described == served - {f"GET {OPENAPI_PATH}", "GET /api/docs"}


def test_the_reference_page_loads_nothing_from_other_hosts(still_client: Client) -> None:
    page = still_client.get("/api/docs")
    text = page.body.decode()

    assert page.status == 200
    assert "script-src 'self'" in (page.header("content-security-policy") or "")
    for path, methods in still_client.get(OPENAPI_PATH).json["paths"].items():
        for method, operation in methods.items():
            assert f'<span class="method {method}">{method.upper()}</span> <code>{path}</code>' in text
            assert f'id="{operation["operationId"]}"' in text
    # An example is text, not a link.
    leads = re.sub(r"<pre.*?</pre>", "", text, flags=re.DOTALL)
    assert set(re.findall(r"https?://[^/\s\"<]+", leads)) == {PUBLIC_URL}


def test_every_operation_has_an_id_a_summary_and_a_description_of_each_error(still_client: Client) -> None:
    for methods in still_client.get(OPENAPI_PATH).json["paths"].values():
        for operation in methods.values():
            assert operation["operationId"]
            assert operation["summary"]
            for status, response in operation["responses"].items():
                assert response["description"], (operation["operationId"], status)
                assert "X-Request-Id" in response["headers"]


@pytest.mark.parametrize("mode", list(GenerationMode))
@settings(max_examples=40, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_answer_to_a_user_conforms_to_the_document(
    still_world: World, described: OpenApiSchema, mode: GenerationMode, data: st.DataObject
) -> None:
    case = data.draw(described.as_strategy(generation_mode=mode))
    token = {"Authorization": f"Bearer {still_world.tokens[DANA]}"}

    # The schema does not express which fields go together (tenant or admin, destination with console).
    case.call_and_validate(headers=token, excluded_checks=[positive_data_acceptance])
