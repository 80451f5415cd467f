"""What our API says of itself is true for Administrators too, who get further and change things."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance
from schemathesis.specs.openapi.schemas import OpenApiSchema

from daypass.portal.identity.model import TokenKind
from tests.portal.http.fuzzer import describe
from tests.portal.http.world import ADMIN, World
from tests.portal.http.world import world as make_world


@pytest.fixture(scope="module")
def world(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A portal that is changed by whatever is sent."""
    path = tmp_path_factory.mktemp("described") / "daypass.db"
    shutil.copy(sqlite_template, path)
    with make_world(f"sqlite:///{path}") as made:
        yield made


@pytest.fixture(scope="module")
def described(world: World) -> OpenApiSchema:
    return describe(world.portal.app)


@pytest.mark.parametrize("mode", list(GenerationMode))
@settings(max_examples=120, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_an_administrator_sends_is_answered_as_described(
    world: World, described: OpenApiSchema, mode: GenerationMode, data: st.DataObject
) -> None:
    case = data.draw(described.as_strategy(generation_mode=mode))
    # A new one each time: what was sent before may have ended the last.
    token = {"Authorization": f"Bearer {world.token(ADMIN, TokenKind.PERMANENT)[0]}"}
    case.headers.setdefault("If-Match", "*")

    # What is there to be changed, and what goes with what, is no matter of a schema.
    case.call_and_validate(headers=token, excluded_checks=[positive_data_acceptance])
