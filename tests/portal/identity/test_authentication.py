import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from daypass.common.usernames import canonical_username
from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import OPERATOR, Actor, Event, Outcome
from daypass.portal.errors import InvalidRequest, SignInAgain, Unauthenticated
from daypass.portal.identity.authentication import Identity, token_use_change
from daypass.portal.identity.model import Role, TokenKind, User
from daypass.portal.identity.store.users import UserStore
from daypass.portal.identity.tokens import digest, mint
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.audit import audit_events
from daypass.portal.storage.schema.identity import api_tokens, users
from tests.fakes import NOON, FakeClock
from tests.rows import disable_user

HOUR = timedelta(hours=1)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def identity(database: Database, clock: FakeClock) -> Iterator[Identity]:
    committer = Committer(database, clock)
    yield Identity(database, committer, clock)
    committer.close()


@pytest.fixture
def dana(identity: Identity) -> User:
    return identity.create_user("dana@example.com", Role.USER, Secret("correct horse"), OPERATOR)


@given(st.text(max_size=40))
def test_canonical_username_is_idempotent(typed: str) -> None:
    assert canonical_username(canonical_username(typed)) == canonical_username(typed)


@pytest.mark.parametrize(
    "typed",
    [
        "DANA@example.com",
        " dana@example.com\t",
        "\uff44ana@example.com",
        "dana@EXAMPLE.com\u3000",
        "\u1d48ana@example.com",
    ],
)
def test_every_spelling_of_a_username_is_the_same_user(identity: Identity, dana: User, typed: str) -> None:
    assert canonical_username(typed) == dana.username
    with pytest.raises(InvalidRequest, match="already"):
        identity.create_user(typed, Role.ADMINISTRATOR, None, OPERATOR)


@pytest.mark.parametrize("username", ["", "   ", "x" * 256, "a\nb", "a\0b", "a\u202eb"])
def test_an_empty_long_or_unprintable_username_is_refused(identity: Identity, username: str) -> None:
    with pytest.raises(InvalidRequest, match="username"):
        identity.create_user(username, Role.USER, None, OPERATOR)


def test_a_short_password_is_refused(identity: Identity) -> None:
    with pytest.raises(InvalidRequest, match="12 to 256"):
        identity.create_user("noor@example.com", Role.USER, Secret("short"), OPERATOR)


def test_of_concurrent_creations_of_a_username_exactly_one_succeeds(
    identity: Identity, database: Database
) -> None:
    outcomes: list[str] = []

    def create() -> None:
        try:
            identity.create_user("noor@example.com", Role.USER, None, OPERATOR)
            outcomes.append("created")
        except InvalidRequest:
            outcomes.append("refused")

    threads = [threading.Thread(target=create) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["created"] + ["refused"] * 11
    with database.reading() as connection:
        assert len(connection.scalars(select(users.c.id)).all()) == 1


def test_a_token_authenticates_its_owner(identity: Identity, dana: User) -> None:
    secret, token = identity.create_token(dana, TokenKind.PERMANENT, "ci", OPERATOR)

    assert identity.authenticate(secret.reveal()) == (token, dana)


def test_only_the_digest_of_a_token_is_stored_and_none_is_audited(
    identity: Identity, dana: User, database: Database
) -> None:
    secret, _ = identity.create_token(dana, TokenKind.PERMANENT, "ci", OPERATOR)

    with database.reading() as connection:
        tokens = connection.execute(select(api_tokens)).all()
        events = connection.execute(select(audit_events)).all()
    assert secret.reveal() not in f"{tokens}{events}"
    assert [event.action for event in events][1:] == ["user.create", "token.create"]
    assert tokens[0].digest == digest(secret.reveal())


def test_a_permanent_token_ends_after_a_year(identity: Identity, dana: User, clock: FakeClock) -> None:
    secret, token = identity.create_token(dana, TokenKind.PERMANENT, "ci", OPERATOR)
    assert token.expires_at == NOON + timedelta(days=365)

    clock.now = token.expires_at - timedelta(seconds=1)
    identity.authenticate(secret.reveal())
    clock.now = token.expires_at
    with pytest.raises(Unauthenticated, match=r"expired on 0?\d+ \w+ \d{4}"):
        identity.authenticate(secret.reveal())


def test_a_temporary_token_ends_with_its_sign_in(identity: Identity, dana: User, clock: FakeClock) -> None:
    grant_ends_at: datetime = NOON + HOUR
    secret, _ = identity.create_token(
        dana, TokenKind.TEMPORARY, "browser", OPERATOR, grant_ends_at=grant_ends_at
    )

    clock.now = grant_ends_at
    with pytest.raises(SignInAgain):
        identity.authenticate(secret.reveal())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "not an API token of this portal"),
        ("hunter2", "not an API token of this portal"),
        ("daypass_pat_" + "a" * 38, "not an API token of this portal"),
    ],
)
def test_the_error_for_a_malformed_token_explains_it_without_quoting_it(
    identity: Identity, text: str, sentence: str
) -> None:
    with pytest.raises(Unauthenticated, match=sentence) as raised:
        identity.authenticate(text)

    assert not text or text not in str(raised.value)


def test_a_token_of_another_portal_is_unknown(identity: Identity) -> None:
    with pytest.raises(Unauthenticated, match="API token is unknown"):
        identity.authenticate(mint(TokenKind.PERMANENT).reveal())


def test_a_revoked_token_does_not_authenticate(identity: Identity, dana: User) -> None:
    secret, token = identity.create_token(dana, TokenKind.PERMANENT, "ci", OPERATOR)

    identity.revoke_token(dana, token.id, OPERATOR)

    with pytest.raises(Unauthenticated, match="revoked"):
        identity.authenticate(secret.reveal())


def test_a_user_cannot_revoke_the_token_of_another_user(identity: Identity, dana: User) -> None:
    secret, token = identity.create_token(dana, TokenKind.PERMANENT, "ci", OPERATOR)
    noor = identity.create_user("noor@example.com", Role.USER, None, OPERATOR)

    identity.revoke_token(noor, token.id, OPERATOR)

    identity.authenticate(secret.reveal())


def test_the_tokens_of_a_disabled_user_do_not_authenticate(
    identity: Identity, dana: User, database: Database
) -> None:
    secret, _ = identity.create_token(dana, TokenKind.PERMANENT, "ci", OPERATOR)

    with database.writing() as connection:
        disable_user(connection, dana.id, NOON)

    with pytest.raises(Unauthenticated, match="disabled"):
        identity.authenticate(secret.reveal())


def test_the_last_use_of_a_token_is_updated_at_most_once_a_minute(
    identity: Identity, dana: User, clock: FakeClock
) -> None:
    secret, _ = identity.create_token(dana, TokenKind.PERMANENT, "ci", OPERATOR)
    noted: list[datetime | None] = []
    for _ in range(4):
        token, _ = identity.authenticate(secret.reveal())
        identity.committer.commit(
            Event(action="test.use", actor=Actor(None, ""), outcome=Outcome.DONE),
            *token_use_change(token, clock.now),
        )
        noted.append(identity.authenticate(secret.reveal())[0].last_used_at)
        clock.now += timedelta(seconds=40)

    assert noted == [NOON, NOON, NOON + timedelta(seconds=80), NOON + timedelta(seconds=80)]


@pytest.mark.parametrize("name", ["", "x" * 101, "a\nb"])
def test_an_empty_long_or_unprintable_token_name_is_refused(
    identity: Identity, dana: User, name: str
) -> None:
    with pytest.raises(InvalidRequest, match="1 to 100 printable"):
        identity.create_token(dana, TokenKind.PERMANENT, name, OPERATOR)


def test_a_temporary_token_without_an_end_of_its_sign_in_is_refused(identity: Identity, dana: User) -> None:
    with pytest.raises(ValueError, match="grant_ends_at"):
        identity.create_token(dana, TokenKind.TEMPORARY, "browser", OPERATOR)


def test_the_error_for_a_token_of_the_wrong_kind_names_the_kind(identity: Identity, dana: User) -> None:
    secret, _ = identity.create_token(dana, TokenKind.PERMANENT, "ci", OPERATOR)

    with pytest.raises(Unauthenticated, match="kind permanent"):
        identity.authenticate(secret.reveal(), accepts={TokenKind.TEMPORARY})


def test_a_token_whose_stored_kind_differs_from_its_prefix_is_refused(
    identity: Identity, dana: User, database: Database
) -> None:
    secret, token = identity.create_token(dana, TokenKind.PERMANENT, "ci", OPERATOR)
    with database.writing() as connection:
        connection.execute(update(api_tokens).where(api_tokens.c.id == token.id).values(kind="temporary"))

    with pytest.raises(Unauthenticated, match="API token is unknown"):
        identity.authenticate(secret.reveal())


def test_first_administrators_are_enabled_and_have_a_password(identity: Identity, dana: User) -> None:
    for name, role, password in (
        ("zoe@example.com", Role.ADMINISTRATOR, Secret("correct horse")),
        ("amy@example.com", Role.ADMINISTRATOR, Secret("correct horse")),
        ("bot@example.com", Role.ADMINISTRATOR, None),
        ("eve@example.com", Role.ADMINISTRATOR, Secret("correct horse")),
    ):
        user = identity.create_user(name, role, password, OPERATOR)
        if name.startswith("eve"):
            with identity.database.writing() as connection:
                disable_user(connection, user.id, NOON)

    with identity.database.reading() as connection:
        store = UserStore(connection)
        assert store.first_administrators(3) == ["amy@example.com", "zoe@example.com"]
        assert store.first_administrators(1) == ["amy@example.com"]
    assert not dana.is_administrator
