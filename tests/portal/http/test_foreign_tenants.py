"""A foreign tenant and a missing tenant get the same answer, byte for byte."""

from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.portal.http.client import Answer, Client
from tests.portal.http.world import DANA, DATA, NOOR, World

LEGACY = (
    "/subscriptions/{}/GetAwsConsoleTokenUrl",
    "/subscriptions/{}/GetAwsRegionId",
    "/subscriptions/{}/GetTenantAwsAccountId",
    "/v3/features/tenant/{}",
)
PURPOSES = ("keys", "console")


def same(foreign: Answer, absent: Answer, name: str, other: str) -> bool:
    """Return whether two answers differ only in the request id and the requested name."""
    status, headers, body = foreign.without_id
    return (status, headers, body.replace(name.encode(), other.encode())) == absent.without_id


names = st.from_regex("[a-z][a-z0-9]{5}", fullmatch=True).filter(lambda name: name != DATA.name)
"""A missing name as long as the foreign tenant's name, so that answers have the same length."""
ids = st.uuids().map(str).filter(lambda id_: id_ != DATA.id)


@pytest.mark.parametrize("username", [DANA, NOOR])
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=names, id_=ids)
def test_legacy_calls_answer_alike_for_a_foreign_and_a_missing_tenant(
    still_world: World, still_client: Client, username: str, name: str, id_: str
) -> None:
    token = still_world.tokens[username]
    for path in LEGACY:
        for foreign, absent in ((DATA.name, name), (DATA.id, id_)):
            one, other = (still_client.get(path.format(typed), token) for typed in (foreign, absent))

            assert one.status == 404
            assert same(one, other, foreign, absent), (one.without_id, other.without_id)


@pytest.mark.parametrize("username", [DANA, NOOR])
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=names,
    id_=ids,
    purpose=st.sampled_from(PURPOSES),
    duration=st.sampled_from([None, "2h", 900, "899", "nonsense"]),
    reason=st.text(max_size=10),
)
def test_the_api_answers_alike_for_a_foreign_and_a_missing_tenant(
    still_world: World,
    still_client: Client,
    username: str,
    name: str,
    id_: str,
    purpose: str,
    duration: str | int | None,
    reason: str,
) -> None:
    token = still_world.tokens[username]
    for foreign, absent in ((DATA.name, name), (DATA.id, id_)):
        one, other = (
            still_client.post(
                "/api/v1/sessions",
                token,
                {"tenant": typed, "purpose": purpose, "duration": duration, "reason": reason},
            )
            for typed in (foreign, absent)
        )

        assert one.status in {404, 422}
        assert same(one, other, foreign, absent), (one.without_id, other.without_id)


def test_the_answers_are_alike_on_every_database(world: World, client: Client) -> None:
    absent = str(UUID(int=UUID(DATA.id).int + 1))
    for path in LEGACY:
        one, other = (client.get(path.format(typed), world.tokens[DANA]) for typed in (DATA.id, absent))

        assert same(one, other, DATA.id, absent)


def test_a_user_s_own_sessions_do_not_distinguish_foreign_from_missing_tenants(
    quick_world: World, quick_client: Client
) -> None:
    for typed in (DATA.name, "data02"):
        quick_client.post("/api/v1/sessions", quick_world.tokens[DANA], {"tenant": typed})

    one, other = quick_client.get("/api/v1/sessions", quick_world.tokens[DANA]).json["sessions"]

    differing = {key for key in one if one[key] != other[key]}
    assert differing == {"id", "tenant"}
    assert {one["tenant"], other["tenant"]} == {"data01", "data02"}
