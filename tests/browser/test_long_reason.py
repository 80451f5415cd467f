"""Lists of sessions fit a long reason without spaces."""

import pytest

from tests.fixtures.browser import DESK, PHONE, Chromium, new_user
from tests.fixtures.demo import Demo

DANA, ADMIN = "dana@example.com", "admin@example.com"
LISTS = [(DANA, "/sessions"), (DANA, "/profile"), (ADMIN, "/administrator/tenants/dev01/sessions")]


@pytest.mark.parametrize(("username", "address"), LISTS)
@pytest.mark.parametrize("size", [DESK, PHONE])
def test_a_long_reason_does_not_widen_a_list_of_sessions(
    chromium: Chromium, troubled: Demo, username: str, address: str, size: tuple[int, int]
) -> None:
    # On a demo that no other test uses now, because *Profile* shows only the latest few sessions.
    asked = troubled.visitor(troubled.token(DANA)).session(tenant="dev01", reason="x" * 480)
    assert asked.status == 201

    with new_user(chromium, troubled, size) as user:
        user.open_signed_in(username, address)
        reason = user.page.locator("td .meta", has_text="x" * 480).first
        table = user.page.locator("table", has=reason)
        overflow = table.evaluate(
            "table => table.parentElement.scrollWidth - table.parentElement.clientWidth"
        )

    assert overflow == 0
