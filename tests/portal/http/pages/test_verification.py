"""Audit, Verify: the page answers at once and shows the progress, then the result."""

import re
from datetime import timedelta
from threading import Event, Semaphore
from urllib.parse import urlencode

from sqlalchemy import update

from daypass.portal.admin.reporting.store.verifications import VerificationStore
from daypass.portal.audit.event import Actor, Outcome
from daypass.portal.audit.event import Event as AuditEvent
from daypass.portal.http.layout.csrf import FIELD, csrf_token
from daypass.portal.identity.model import TokenKind
from daypass.portal.storage.schema.audit import audit_events
from daypass.portal.storage.unit_of_work import UnitOfWork
from tests.portal.http.client import Answer
from tests.portal.http.world import ADMIN, PUBLIC_URL, World

VERIFY = "/administrator/audit/verify"


class Browser:
    """An Administrator's browser."""

    def __init__(self, world: World) -> None:
        self._client = world.client()
        ends = world.clock() + timedelta(hours=1)
        self._cookie, _ = world.token(ADMIN, TokenKind.BROWSER, grant_ends_at=ends)
        self._headers = [("Cookie", f"__Host-daypass={self._cookie}"), ("Accept", "text/html")]

    def show(self) -> Answer:
        """Open the page."""
        return self._client.get(VERIFY, headers=self._headers)

    def press(self) -> Answer:
        """Click **Verify**."""
        form = urlencode({FIELD: csrf_token(self._cookie)}).encode()
        sent = [("Origin", PUBLIC_URL), ("Content-Type", "application/x-www-form-urlencoded")]
        return self._client.send("POST", VERIFY, headers=[*self._headers, *sent], body=form)

    def result(self) -> Answer:
        """Return the first page that does not refresh itself."""
        while (page := self.show()).header("refresh"):
            assert page.status == 200
        return page


def test_repeated_requests_run_one_verification_with_progress(quick_world: World) -> None:
    event = AuditEvent(
        action="test.happen", actor=Actor("u1", "dana", "r"), outcome=Outcome.DONE, subject="x"
    )
    quick_world.committer.commit_unit(UnitOfWork((), [event] * 1000))
    reached, may_go_on = Semaphore(0), Event()

    def rest(_seconds: float) -> bool:
        reached.release()
        return not may_go_on.wait(60)

    quick_world.portal.administration.verification.rest = rest
    browser = Browser(quick_world)
    nothing = browser.show()
    pressed = [browser.press()]
    assert reached.acquire(timeout=60)
    pressed += [browser.press() for _ in range(5)]
    running = browser.show()
    may_go_on.set()
    result = browser.result()

    assert b"The audit log has not been verified yet" in nothing.body
    assert {(answer.status, answer.header("location")) for answer in pressed} == {(303, VERIFY)}
    assert (running.status, running.header("refresh")) == (200, "2")
    assert b"500 of 1,0" in running.body
    assert b"The audit log is intact" in result.body
    # Exactly two batches of a single verification.
    assert reached.acquire(blocking=False)
    assert not reached.acquire(blocking=False)


def test_no_number_is_shown_before_the_events_are_counted(quick_world: World) -> None:
    with quick_world.database.writing() as connection:
        assert VerificationStore(connection).begin("run", quick_world.clock())

    page = Browser(quick_world).show().body.decode()

    assert "The events are being counted." in page
    assert "0 of 0" not in page
    # Without a value the browser shows an indeterminate progress bar.
    assert re.search(r'<progress max="100" aria-label="Events verified">', page)


def test_a_tampered_event_is_shown(quick_world: World) -> None:
    with quick_world.database.writing() as connection:
        connection.execute(update(audit_events).where(audit_events.c.position == 1).values(actor="eve"))
    browser = Browser(quick_world)
    browser.press()
    page = browser.result().body.decode()

    assert "The audit log was tampered with" in page
    assert "event 1: it was changed after it was written" in page
