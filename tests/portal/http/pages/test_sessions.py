"""The lists of sessions."""

from datetime import timedelta

import pytest

from daypass.portal.identity.model import TokenKind
from tests.portal.http.world import ADMIN, DANA, DEV, World


@pytest.mark.parametrize(
    ("username", "path"),
    [(DANA, "/sessions"), (DANA, "/profile"), (ADMIN, f"/administrator/tenants/{DEV.id}/sessions")],
)
def test_each_list_shows_the_reason_of_a_session_as_text(world: World, username: str, path: str) -> None:
    request = {"tenant": "dev01", "reason": "ticket <b>4711</b>"}
    assert world.client().post("/api/v1/sessions", world.tokens[DANA], request).status == 201
    ends_at = world.clock() + timedelta(hours=1)
    cookie = world.token(username, TokenKind.BROWSER, grant_ends_at=ends_at)[0]

    headers = [("Accept", "text/html"), ("Cookie", f"__Host-daypass={cookie}")]
    shown = world.client().get(path, headers=headers).body.decode()

    assert "ticket &lt;b&gt;4711&lt;/b&gt;" in shown
