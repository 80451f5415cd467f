from datetime import timedelta

import pytest

from daypass.portal.access.model import Caller
from daypass.portal.audit.event import OPERATOR
from daypass.portal.errors import (
    AccessDenied,
    InvalidRequest,
    ReauthenticationRequired,
    TokenNotFound,
    Unauthenticated,
    UserNotFound,
)
from daypass.portal.identity.model import TokenKind
from daypass.portal.storage.pagination import PageRequest
from tests.fakes import FakeClock
from tests.portal.admin.conftest import Administration

DANA = "dana@example.com"
DAY = timedelta(days=1)


def test_an_administrator_creates_and_revokes_a_token_of_another_user(
    administration: Administration, alice: Caller
) -> None:
    secret, token = administration.tokens.create(DANA, "ci", alice, lifetime=30 * DAY)

    assert administration.identity.authenticate(secret.reveal())[1].username == DANA
    assert token.expires_at == administration.clock() + 30 * DAY
    (listed,) = administration.tokens.page(DANA, None, PageRequest()).records
    assert (listed.id, listed.name, listed.owner.username, listed.ended_at) == (token.id, "ci", DANA, None)

    administration.tokens.revoke(token.id, alice)
    administration.tokens.revoke(token.id, alice)

    with pytest.raises(Unauthenticated):
        administration.identity.authenticate(secret.reveal())
    assert administration.tokens.page(DANA, None, PageRequest()).records == []
    assert administration.tokens.find(token.id).ended_at is not None
    assert len(administration.events("token.revoke")) == 1
    assert administration.events("token.create")[-1][0] == "alice@example.com"


def test_only_administrators_create_and_revoke_tokens_of_other_users(
    administration: Administration, alice: Caller, dana: Caller
) -> None:
    with pytest.raises(AccessDenied):
        administration.tokens.create("alice@example.com", "mine", dana)
    with pytest.raises(AccessDenied):
        administration.tokens.revoke(alice.token.id, dana)
    assert administration.tokens.find(alice.token.id).ended_at is None


@pytest.mark.parametrize("owner", ["amir@example.com", DANA])
def test_creating_a_token_needs_reauthentication_for_any_owner(
    administration: Administration, clock: FakeClock, owner: str
) -> None:
    by = administration.caller("alice@example.com", TokenKind.BROWSER)
    clock.move(timedelta(minutes=6))

    with pytest.raises(ReauthenticationRequired):
        administration.tokens.create(owner, "ci", by)


def test_a_user_s_tokens_are_counted(administration: Administration, alice: Caller, dana: Caller) -> None:
    administration.tokens.revoke(dana.token.id, alice)
    for number in range(3):
        administration.tokens.create(DANA, f"ci {number}", alice)

    assert administration.tokens.count(DANA) == 3


def test_invalid_requests_for_tokens_are_refused(administration: Administration, alice: Caller) -> None:
    for lifetime in (timedelta(), timedelta(hours=23), 366 * DAY):
        with pytest.raises(InvalidRequest, match="1 to 365 days"):
            administration.tokens.create(DANA, "ci", alice, lifetime=lifetime)
    with pytest.raises(InvalidRequest, match="printable"):
        administration.tokens.create(DANA, "", alice)
    with pytest.raises(UserNotFound):
        administration.tokens.create("nobody", "ci", alice)
    administration.users.update(DANA, alice, is_disabled=True)
    with pytest.raises(InvalidRequest, match="disabled"):
        administration.tokens.create(DANA, "ci", alice)
    for token_id in ("", "x", "a\0b"):
        with pytest.raises(TokenNotFound):
            administration.tokens.revoke(token_id, alice)


def test_tokens_are_listed_in_the_order_in_which_they_expire(administration: Administration) -> None:
    for days in (20, 10, 30):
        administration.tokens.create(DANA, f"{days} days", OPERATOR, lifetime=days * DAY)

    first = administration.tokens.page(None, TokenKind.PERMANENT, PageRequest(limit=2))
    second = administration.tokens.page(None, TokenKind.PERMANENT, PageRequest(first.next_cursor, 2))

    assert [one.name for page in (first, second) for one in page.records] == ["10 days", "20 days", "30 days"]
    administration.clock.move(15 * DAY)
    left = administration.tokens.page(None, None, PageRequest()).records
    assert [one.name for one in left] == ["20 days", "30 days"]
