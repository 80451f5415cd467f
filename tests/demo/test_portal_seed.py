"""The portal's database in the state folder: seeded once, and consistent with the accounts file."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from daypass.demo.saved_state import FILE, SavedState
from daypass.demo.seed.fixtures import CI, DANA
from daypass.demo.seed.portal import DATABASE, database_url, seed_portal
from daypass.demo.state_dir import StateDirectory
from daypass.portal.admin.users.store.users import UserList
from daypass.portal.identity.passwords import verify_password
from daypass.portal.identity.store.tokens import TokenStore
from daypass.portal.identity.store.users import UserStore
from daypass.portal.identity.tokens import digest
from daypass.portal.storage.engine import Database
from daypass.portal.tenants.store import TenantStore
from daypass.portal.workloads.store.rules import RuleStore

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> StateDirectory:
    return StateDirectory(tmp_path)


def seed(folder: StateDirectory) -> SavedState:
    return seed_portal(folder, "111122223333", "https://localhost:8443", lambda: NOW, has_history=False)


def memberships(folder: StateDirectory, username: str) -> dict[str, str]:
    database = Database(database_url(folder))
    with database.reading() as connection:
        user = UserStore(connection).find(username)
        assert user is not None
        found = TenantStore(connection).list_for(user.id, NOW)
    database.close()
    return {seen.tenant.name: seen.membership.name for seen in found if seen.membership is not None}


def test_the_workload_rule_is_for_this_portal_and_its_account_has_an_owner(folder: StateDirectory) -> None:
    seed(folder)

    database = Database(database_url(folder))
    with database.reading() as connection:
        rule = RuleStore(connection).find("shop")
        account = UserList(connection).find(CI.username)
    database.close()
    assert rule is not None
    assert rule.rule.audience == "https://localhost:8443"
    assert account is not None
    assert (rule.rule.user_id, account.owner) == (account.user.id, DANA.username)


def test_each_user_has_the_memberships_of_the_fixtures(folder: StateDirectory) -> None:
    seed(folder)

    assert memberships(folder, "admin@example.com") == {}
    assert memberships(folder, "dana@example.com") == {"dev01": "full", "prod01": "read-only"}
    assert memberships(folder, "noor@example.com") == {}
    assert memberships(folder, "ci@example.com") == {"dev01": "full"}


def test_the_portal_accepts_the_stored_secrets(folder: StateDirectory) -> None:
    accounts = seed(folder)

    database = Database(database_url(folder))
    with database.reading() as connection:
        for account in accounts.users.values():
            bearer = TokenStore(connection).find_bearer(digest(account.api_token.reveal()))
            assert bearer is not None
            assert bearer.user.username == account.username
            stored = UserStore(connection).password_hash(bearer.user.id)
            assert (stored is None) == (account.password is None)
            assert account.password is None or verify_password(stored, account.password)
    database.close()


def test_a_service_account_has_no_password(folder: StateDirectory) -> None:
    accounts = seed(folder)

    without = [account.username for account in accounts.users.values() if account.password is None]
    assert without == ["ci@example.com"]


def test_the_second_run_changes_no_account(folder: StateDirectory) -> None:
    assert seed(folder) == seed(folder)


@pytest.mark.parametrize("lost", [FILE, DATABASE])
def test_accounts_and_database_are_recreated_if_either_is_missing(folder: StateDirectory, lost: str) -> None:
    before = seed(folder)
    (folder.path / lost).unlink()

    after = seed(folder)

    assert after != before
    assert memberships(folder, "dana@example.com") == {"dev01": "full", "prod01": "read-only"}


def test_passwords_and_tokens_are_unique(folder: StateDirectory) -> None:
    people = seed(folder).users.values()

    assert len({account.api_token.reveal() for account in people}) == len(people)
    passwords = [account.password.reveal() for account in people if account.password]
    assert len(set(passwords)) == len(passwords)
