"""Lists of sessions have room for a reason without a space."""

import pytest

from tests.browser_fixture import DESK, PHONE, Chromium, somebody
from tests.demo_fixture import Demo

DANA, ADMIN = "dana@example.com", "admin@example.com"
LISTS = [(DANA, "/sessions"), (DANA, "/profile"), (ADMIN, "/administrator/tenants/dev01/sessions")]


@pytest.mark.parametrize(("username", "address"), LISTS)
@pytest.mark.parametrize("size", [DESK, PHONE])
def test_no_list_of_sessions_is_wider_than_its_card(
    chromium: Chromium, troubled: Demo, username: str, address: str, size: tuple[int, int]
) -> None:
    # On a demo that no other test uses now: *Profile* shows the latest few sessions only.
    asked = troubled.visitor(troubled.token(DANA)).session(tenant="dev01", reason="x" * 480)
    assert asked.status == 201

    with somebody(chromium, troubled, size) as person:
        person.be(username, address)
        reason = person.page.locator("td .meta", has_text="x" * 480).first
        table = person.page.locator("table", has=reason)
        overflow = table.evaluate(
            "table => table.parentElement.scrollWidth - table.parentElement.clientWidth"
        )

    assert overflow == 0
