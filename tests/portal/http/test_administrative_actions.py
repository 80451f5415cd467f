"""The table of administrative actions is complete, and the guide contains it."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from daypass.portal.admin.reauthentication import ACTIONS, Action
from daypass.portal.http.core.administrative_routes import API, LEGACY, OWN, PAGES, ROUTES
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.endpoints import PublicEndpoint, answer_nothing
from daypass.portal.http.core.routing import ExactRoute, exact
from tests.portal.http.world import World

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "administrative-actions.md"

OF_EVERYBODY = {
    "POST /api/v1/sessions",
    "POST /sign-in",
    "POST /confirm",
    "POST /sign-in/passkey",
    "POST /sign-in/recovery",
    "POST /confirm/passkey",
    "POST /confirm/passkey/options",
    "POST /profile/passkeys/options",
    "POST /profile/passkeys/rename",
    "POST /sign-out",
    "POST /tenant",
    "POST /console",
    "POST /console-url",
    "POST /credentials",
    "POST /tokens/temporary",
    "POST /tokens/revoke",
    "POST /resources/refresh",
    "POST /resources/console",
    "POST /oauth/par",
    "POST /oauth/token",
    "POST /oauth/revoke",
    "POST /app/user/verify-token/cancel",
}
"""Routes that change only the caller's own sessions, tokens and consents."""


def changing(world: World) -> Iterator[tuple[str, ExactRoute]]:
    """Yield the routes that may change state, with method and path."""
    for create in world.portal.channels:
        for route in create.routes:
            assert isinstance(route, ExactRoute)
            method = route.method
            if method != "GET":
                yield f"{method} {route.path}", route


def test_every_route_that_changes_state_is_in_the_table(still_world: World) -> None:
    served = dict(changing(still_world))

    assert served.keys() - OF_EVERYBODY == ROUTES.keys()
    assert served.keys() >= OF_EVERYBODY
    for name, route in served.items():
        is_administrative = name in ROUTES and name not in OWN
        assert (route.permission is Permission.ADMINISTRATOR) == is_administrative, name


def test_an_administrative_route_that_is_not_in_the_table_cannot_be_built() -> None:
    class Endpoint(PublicEndpoint):
        permission = Permission.ADMINISTRATOR

    for method in ("POST", "PUT", "PATCH", "DELETE"):
        with pytest.raises(LookupError, match="table of administrative actions"):
            exact(method, "/api/v1/everything", Endpoint(answer_nothing))


def test_every_action_has_a_route_and_every_route_has_known_actions() -> None:
    created = {action for actions in ROUTES.values() for action in actions}

    assert created == ACTIONS.keys()
    assert all(ROUTES.values())


def _channel(routes: Mapping[str, Sequence[str]], action: Action) -> str:
    matches = [f"`{route}`" for route, actions in routes.items() if action.name in actions]
    return "<br>".join(matches) or "none"


def row(action: Action) -> str:
    """Return the row of the guide's table for an action."""
    cells = (f"`{action.name}`", action.needs, action.reason)
    channels = (_channel({**PAGES, **OWN}, action), _channel(API, action), _channel(LEGACY, action))
    return f"| {' | '.join([*cells, *channels])} |"


def test_the_guide_contains_the_table() -> None:
    rows = [line for line in GUIDE.read_text().splitlines() if line.startswith("| `")]

    assert rows == [row(action) for action in ACTIONS.values()]
