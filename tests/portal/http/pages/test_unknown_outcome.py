"""Pages and API show an issuance whose process died as an unknown outcome."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from daypass.portal.access.abandoned_attempts import AbandonedAttempts
from daypass.portal.access.store.issuances import IssuanceStore
from daypass.portal.identity.model import TokenKind
from daypass.portal.storage.schema.access import issuances
from tests.portal.http.world import ADMIN, DANA, DEV, World


@pytest.fixture
def settled_world(world: World) -> World:
    """A portal with one issuance of Dana's whose outcome is unknown."""
    world.client().post("/api/v1/sessions", world.tokens[DANA], {"tenant": "dev01"})
    with world.database.writing() as connection:
        # The state that a process leaves if it dies while it waits for AWS.
        connection.execute(update(issuances).values(state="requested", expires_at=None, access_key_id=None))
    with world.database.reading() as connection:
        attempts = IssuanceStore(connection).list_for_user(world.users[DANA].id).records
    assert AbandonedAttempts(world.database, world.committer).settle(attempts) == 1
    return world


def page(world: World, username: str, path: str, query: str = "") -> str:
    ends_at = world.clock() + timedelta(hours=1)
    cookie = world.token(username, TokenKind.BROWSER, grant_ends_at=ends_at)[0]
    headers = [("Accept", "text/html"), ("Cookie", f"__Host-daypass={cookie}")]
    return world.client().get(path, headers=headers, query=query).body.decode()


def test_pages_show_the_unknown_outcome(settled_world: World) -> None:
    shown = [
        page(settled_world, DANA, "/sessions"),
        page(settled_world, DANA, "/sessions", "state=refused"),
        page(settled_world, ADMIN, f"/administrator/tenants/{DEV.id}/sessions"),
        page(settled_world, ADMIN, "/administrator/overview"),
    ]

    assert ["Outcome unknown" in each for each in shown] == [True] * 4
    assert "No credentials were issued." in shown[0]
    assert "1 refused or failed" in shown[3]
    assert "unknown" in page(settled_world, ADMIN, "/administrator/audit", "outcome=unknown")


@pytest.mark.parametrize("path", ["/sessions", "/profile"])
def test_cards_label_the_failure_as_a_reason(settled_world: World, path: str) -> None:
    shown = page(settled_world, DANA, path)

    (cell,) = [part for part in shown.split("<td ") if "No credentials were issued." in part]
    assert 'data-label="Reason"' in cell


def test_the_api_reports_the_unknown_outcome(settled_world: World) -> None:
    client, tokens = settled_world.client(), settled_world.tokens

    (mine,) = client.get("/api/v1/sessions", tokens[DANA]).json["sessions"]
    query = "state=unknown"
    (every,) = client.get("/api/v1/sessions/all", tokens[ADMIN], query=query).json["sessions"]

    assert (mine["state"], mine["expires_at"]) == ("unknown", None)
    assert (every["state"], every["failure"]) == ("unknown", "outcome_unknown")
