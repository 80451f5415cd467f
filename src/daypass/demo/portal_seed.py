"""Fill the portal's database, once: it stays in the state folder from one run to the next."""

import secrets
import uuid
from datetime import datetime, timedelta

from daypass.demo.accounts import Account, Accounts, TenantKey, load, new_password, save
from daypass.demo.estate import PEOPLE, REGION, TENANTS, Person, TenantPlan
from daypass.demo.folder import Folder
from daypass.portal.identity.model import ApiToken, Role, TokenId, TokenKind, User, UserId
from daypass.portal.identity.passwords import hash_password
from daypass.portal.identity.store import TokenStore, UserStore
from daypass.portal.identity.tokens import digest, mint
from daypass.portal.storage.engine import Connection, Database
from daypass.portal.storage.migrate import migrate
from daypass.portal.tenants.model import Access, Tenant, TenantId
from daypass.portal.tenants.store import TenantStore

DATABASE = "daypass.db"
TOKEN_LIFE = timedelta(days=365)


def database_url(folder: Folder) -> str:
    """Where the portal of this folder keeps its records."""
    return f"sqlite:///{folder.path / DATABASE}"


def seed_portal(folder: Folder, account_id: str, now: datetime) -> Accounts:
    """Bring the database to its schema and answer who is in it; the first time, put them there."""
    kept = load(folder)
    if kept is None or not (folder.path / DATABASE).exists():
        # What an interrupted first run left behind belongs to nobody.
        for left in folder.path.glob(f"{DATABASE}*"):
            left.unlink()
        kept = None
    database = Database(database_url(folder), connections=1)
    try:
        migrate(database)
        if kept is None:
            kept = _invent()
            with database.writing() as connection:
                _fill(connection, kept, account_id, now)
            save(folder, kept)
    finally:
        database.close()
    return kept


def _invent() -> Accounts:
    tenants = {name: TenantKey(str(uuid.uuid4()), secrets.token_hex(16)) for name in TENANTS}
    people = [
        Account(
            person.username,
            None if person.is_service_account else new_password(),
            mint(TokenKind.PERMANENT),
        )
        for person in PEOPLE
    ]
    return Accounts(tenants, {account.username: account for account in people})


def _fill(connection: Connection, accounts: Accounts, account_id: str, now: datetime) -> None:
    for name, key in accounts.tenants.items():
        plan = TenantPlan(name, account_id, key.external_id)
        tenant = Tenant(TenantId(key.id), name, REGION, plan.role_arn, key.external_id)
        TenantStore(connection).add(tenant, now)
    for person in PEOPLE:
        _add(connection, person, accounts, now)


def _add(connection: Connection, person: Person, accounts: Accounts, now: datetime) -> None:
    account = accounts.people[person.username]
    user = User(UserId(uuid.uuid4().hex), person.username, Role(person.role))
    password_hash = hash_password(account.password) if account.password else None
    UserStore(connection).add(user, password_hash, now)
    for tenant, access in person.memberships.items():
        tenant_id = TenantId(accounts.tenants[tenant].id)
        TenantStore(connection).add_member(tenant_id, user.id, Access(access), now)
    token = ApiToken(
        TokenId(uuid.uuid4().hex), TokenKind.PERMANENT, "demo", user.id, now, now + TOKEN_LIFE, None
    )
    TokenStore(connection).add(token, digest(account.api_token.reveal()))
