"""Races between a release to a user and the end of their access, with several replicas."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Connection, insert, select

from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import OPERATOR, Actor, Event, Outcome
from daypass.portal.errors import PortalError, StorageUnavailable, Unauthenticated
from daypass.portal.identity.authentication import Identity
from daypass.portal.identity.model import Role, TokenId, TokenKind, User, UserId
from daypass.portal.identity.store.tokens import TokenStore, move_children, record_use, revoke_token
from daypass.portal.identity.store.users import UserStore, add_user
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.audit import audit_events
from daypass.portal.storage.schema.identity import api_tokens
from daypass.portal.tenants import store as tenant_store
from daypass.portal.tenants.model import Access, Tenant, TenantId
from daypass.portal.tenants.store import TenantStore
from tests.fakes import NOON, FakeClock
from tests.portal.storage.blocked import start_blocked
from tests.rows import disable_user

DANA = UserId("dana")
TOKEN = TokenId("token")
SIGN_IN = TokenId("sign-in")
DEV = Tenant.with_role(TenantId("dev"), "dev01", "us-west-2", "arn:aws:iam::1:role/dev", None)
RELEASE = Event(action="test.release", actor=Actor(DANA, "dana"), outcome=Outcome.DONE)

TRIALS = 2000
THREADS = 16


def token_row(token_id: str, parent_id: str | None = None) -> dict[str, object]:
    return {
        "id": token_id,
        "digest": token_id.encode(),
        "kind": TokenKind.PERMANENT.value,
        "name": "ci",
        "user_id": DANA,
        "created_at": NOON,
        "expires_at": NOON + timedelta(days=1),
        "parent_id": parent_id,
    }


@pytest.fixture
def seeded(database: Database) -> Database:
    with database.writing() as connection:
        add_user(User(DANA, DANA, Role.USER), None, at=NOON).apply(connection)
        connection.execute(insert(api_tokens), [token_row(SIGN_IN), token_row(TOKEN, SIGN_IN)])
        TenantStore(connection).add(DEV, NOON)
        TenantStore(connection).add_member(DEV.id, DANA, Access.FULL, NOON)
    return database


@pytest.fixture
def replica(database_url: str) -> Iterator[Database]:
    """The same database, opened by another replica."""
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def committer(seeded: Database) -> Iterator[Committer]:
    opened = Committer(seeded, lambda: NOON)
    yield opened
    opened.close()


def revoke(connection: Connection) -> None:
    revoke_token(TOKEN, owner=DANA, at=NOON).apply(connection)


def sign_out(connection: Connection) -> None:
    revoke_token(SIGN_IN, owner=DANA, at=NOON).apply(connection)


def disable(connection: Connection) -> None:
    disable_user(connection, DANA, NOON)


def remove_member(connection: Connection) -> None:
    tenant_store.remove_member(DEV.id, DANA).apply(connection)


def withdrawn(connection: Connection, token_id: str = TOKEN) -> PortalError | None:
    """The precondition of a release: what is read after `lock` is still true at commit."""
    TokenStore(connection).lock(TokenId(token_id))
    bearer = TokenStore(connection).find_bearer(token_id.encode())
    tenant = TenantStore(connection).find("dev01", DANA, NOON)
    is_good = bearer is not None and not bearer.is_revoked and not bearer.is_disabled
    return None if is_good and tenant is not None and tenant.membership else Unauthenticated("ended")


endings = pytest.mark.parametrize("end", [revoke, sign_out, disable, remove_member])
End = Callable[[Connection], None]


@endings
def test_a_revocation_waits_for_a_release_in_progress(
    committer: Committer, replica: Database, end: End
) -> None:
    def end_at_replica() -> None:
        with replica.writing() as connection:
            end(connection)

    begun: list[threading.Thread] = []

    def check(connection: Connection) -> PortalError | None:
        refusal = withdrawn(connection)
        begun.append(start_blocked(end_at_replica, replica))
        return refusal

    committer.commit(RELEASE, precondition=check)
    begun[0].join()

    with pytest.raises(Unauthenticated):
        committer.commit(RELEASE, precondition=withdrawn)


@endings
def test_a_release_waits_for_a_revocation_in_progress_and_is_refused(
    committer: Committer, replica: Database, end: End
) -> None:
    outcomes: list[str] = []

    def release() -> None:
        try:
            committer.commit(RELEASE, precondition=withdrawn)
            outcomes.append("released")
        except Unauthenticated:
            outcomes.append("refused")

    with replica.writing() as connection:
        end(connection)
        releasing = start_blocked(release, replica)
    releasing.join()

    assert outcomes == ["refused"]


def test_a_release_locks_the_new_parent_of_a_token_that_was_moved_meanwhile(postgres_url: str) -> None:
    seeded, replica = Database(postgres_url), Database(postgres_url, patience=timedelta(milliseconds=200))
    with seeded.writing() as connection:
        add_user(User(DANA, DANA, Role.USER), None, at=NOON).apply(connection)
        tokens = [token_row(SIGN_IN), token_row("confirmed"), token_row(TOKEN, SIGN_IN)]
        connection.execute(insert(api_tokens), tokens)
    is_held, may_go = threading.Event(), threading.Event()

    def release() -> None:
        with seeded.writing() as connection:
            TokenStore(connection).lock(TOKEN)
            is_held.set()
            may_go.wait()

    with seeded.writing() as connection:
        move_children(SIGN_IN, TokenId("confirmed")).apply(connection)
        releasing = start_blocked(release, seeded)
        assert not is_held.is_set()
    assert is_held.wait(60)
    try:
        with pytest.raises(StorageUnavailable), replica.writing() as connection:
            revoke_token(TokenId("confirmed"), owner=DANA, at=NOON).apply(connection)
    finally:
        may_go.set()
        releasing.join()
    seeded.close()
    replica.close()


def test_replicas_that_update_the_last_use_of_a_token_do_not_deadlock(postgres_url: str) -> None:
    database = Database(postgres_url, patience=timedelta(seconds=1))
    with database.writing() as connection:
        add_user(User(DANA, DANA, Role.USER), None, at=NOON).apply(connection)
        connection.execute(insert(api_tokens), token_row(TOKEN))

    with database.writing() as first, database.writing() as second:
        for connection in (first, second):
            record_use(TOKEN, at=NOON).apply(connection)

    with database.reading() as connection:
        bearer = TokenStore(connection).find_bearer(TOKEN.encode())
    assert bearer is not None
    assert bearer.token.last_used_at == NOON
    database.close()


def test_in_thousands_of_races_no_release_is_audited_after_the_revocation(
    seeded: Database, committer: Committer
) -> None:
    identity = Identity(seeded, committer, FakeClock())
    tokens = [uuid4().hex for _ in range(TRIALS)]
    with seeded.writing() as connection:
        connection.execute(insert(api_tokens), [token_row(token, _sign_in_of(token)) for token in tokens])
        connection.execute(insert(api_tokens), [token_row(_sign_in_of(token)) for token in tokens])
        dana = UserStore(connection).find(DANA)
        assert dana is not None

    def release(token: str) -> None:
        event = replace(RELEASE, subject=token)
        try:
            committer.commit(event, precondition=lambda connection: withdrawn(connection, token))
        except Unauthenticated:
            return

    def end(token: str) -> None:
        identity.revoke_token(dana, TokenId(token), OPERATOR)

    def sign_out(token: str) -> None:
        identity.revoke_token(dana, TokenId(_sign_in_of(token)), OPERATOR)

    jobs = iter(
        [
            (job, token)
            for number, token in enumerate(tokens)
            for job in ((release, end), (end, release), (release, sign_out), (sign_out, release))[number % 4]
        ]
    )

    def work() -> None:
        for job, token in jobs:
            job(token)

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    released, ended = _audit_positions(seeded)
    ended = {token: ended.get(token) or ended[_sign_in_of(token)] for token in tokens}
    assert len(ended) == TRIALS
    assert 0 < len(released) < TRIALS
    assert [token for token in released if released[token] > ended[token]] == []


def _sign_in_of(token: str) -> str:
    """Return the ID of the token's parent in the race."""
    return token[::-1]


def _audit_positions(database: Database) -> tuple[dict[str, int], dict[str, int]]:
    """Return the audit positions at which each token was released to, and revoked."""
    query = select(
        audit_events.c.position, audit_events.c.action, audit_events.c.subject, audit_events.c.detail
    )
    released, ended = {}, {}
    with database.reading() as connection:
        for position, action, subject, detail in connection.execute(query):
            if action == "test.release":
                released[subject] = position
            elif action == "token.revoke":
                ended[json.loads(detail)["token_id"]] = position
    return released, ended
