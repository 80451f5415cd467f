"""The page Audit: suggestions and shortcuts of its search, and the export."""

import re
from datetime import timedelta

import pytest
from starlette.types import Message, Receive, Scope, Send

from daypass.portal.audit.event import OPERATOR, Event, Outcome
from daypass.portal.storage.unit_of_work import UnitOfWork
from tests.portal.http.client import Client
from tests.portal.http.pages.test_administrator import sign_in
from tests.portal.http.world import ADMIN, DANA, DEV, World

AUDIT = "/administrator/audit"


def options(page: str, name: str) -> list[str]:
    found = re.search(rf'<select name="{name}">(.*?)</select>', page, re.DOTALL)
    assert found
    return re.findall(r"<option[^>]*>([^<]+)</option>", found[1])


def completions(page: str, name: str) -> list[str]:
    found = re.search(rf'<datalist id="{name}">(.*?)</datalist>', page, re.DOTALL)
    assert found
    return re.findall(r'<option value="([^"]+)">', found[1])


def test_the_search_suggests_values_of_the_audit_log(world: World) -> None:
    admin = sign_in(world, ADMIN)
    admin.do("/administrator/users", username="lena@example.com", role="User")

    page = admin.see(AUDIT)

    recorded = world.client().get("/api/v1/audit", world.tokens[ADMIN], query="limit=100").json["events"]
    assert options(page, "action") == ["Any", *sorted({event["action"] for event in recorded})]
    assert {"done", "issued", "denied"} <= set(options(page, "outcome"))
    assert {DANA, "lena@example.com", "operator"} <= set(completions(page, "users"))
    assert DEV.name in completions(page, "tenants")


def test_filters_of_the_url_stay_selected(quick_world: World) -> None:
    page = sign_in(quick_world, ADMIN).see(f"{AUDIT}?action=no.such&outcome=denied")

    assert "<option selected>no.such</option>" in page
    assert "<option selected>denied</option>" in page


def test_an_alert_stands_out_from_events_without_a_tone(quick_world: World) -> None:
    for outcome in (Outcome.ALERT, Outcome.REQUESTED):
        event = Event(action="user.create", actor=OPERATOR, outcome=outcome, subject="x")
        quick_world.committer.commit(event)

    page = sign_in(quick_world, ADMIN).see(AUDIT)

    assert '<span class="tag warn">alert</span>' in page
    assert '<span class="tag">requested</span>' in page


def test_a_range_shortcut_keeps_the_other_filters(quick_world: World) -> None:
    admin = sign_in(quick_world, ADMIN)
    page = admin.see(f"{AUDIT}?user=dana&until=2020-01-01")
    today = quick_world.clock().date()

    for label, days in (("Today", 1), ("7 days", 7), ("30 days", 30)):
        since = today - timedelta(days=days - 1)
        address = f"{AUDIT}?user=dana&since={since}"
        assert f'href="{address}">{label}</a>' in page
        assert f'href="{address}" aria-current="true">{label}</a>' in admin.see(address)


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_an_export_is_streamed_in_chunks_of_many_lines(quick_world: World, form: str) -> None:
    event = Event(action="user.create", actor=OPERATOR, outcome=Outcome.DONE, subject="x")
    quick_world.committer.commit_unit(UnitOfWork((), [event] * 300))
    sent: list[bytes] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async def note(message: Message) -> None:
            sent.append(message.get("body", b""))
            await send(message)

        # With this version Starlette detects a disconnect by a failing send, not by a receive.
        scope["asgi"]["spec_version"] = "2.4"
        await quick_world.portal.app(scope, receive, note)

    headers = sign_in(quick_world, ADMIN).headers()
    answer = Client(app).get(f"{AUDIT}/export", headers=headers, query=f"format={form}&action=user.create")

    assert answer.body.count(b"\n") >= 300
    # A thread switch for each line would dominate the time of an export.
    assert len([body for body in sent if body]) < 10


def test_a_date_without_a_following_day_is_refused_on_the_page(quick_world: World) -> None:
    headers = [*sign_in(quick_world, ADMIN).headers(), ("Accept", "text/html")]

    answer = quick_world.client().get(AUDIT, headers=headers, query="until=9999-12-31")

    assert answer.status == 422
    assert "Enter dates in the form" in answer.body.decode()
