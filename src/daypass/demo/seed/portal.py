"""Fill the portal's database, once: it stays in the state folder from one run to the next."""

import secrets
import uuid

from daypass.demo.accounts import Account, Accounts, TenantIds, load, new_password, save
from daypass.demo.seed.fixtures import REGION, TENANTS, USERS, DemoUser, TenantPlan
from daypass.demo.seed.history import PastClock, beginning, record_history
from daypass.demo.state_dir import StateDirectory
from daypass.portal.access.model import Caller, Channel
from daypass.portal.audit.log import AuditLog
from daypass.portal.clock import Clock
from daypass.portal.identity.authentication import OPERATOR, Identity
from daypass.portal.identity.model import Role, TokenKind
from daypass.portal.storage.engine import Database
from daypass.portal.storage.migrate import migrate
from daypass.portal.tenants.model import Access, Tenant, TenantId
from daypass.portal.tenants.store import TenantStore

DATABASE = "daypass.db"


def database_url(folder: StateDirectory) -> str:
    """Where the portal of this folder keeps its records."""
    return f"sqlite:///{folder.path / DATABASE}"


def seed_portal(folder: StateDirectory, account_id: str, clock: Clock, *, has_history: bool) -> Accounts:
    """Bring the database to its schema and answer who is in it; the first time, put them there.

    The first time, `has_history` also records the sample history; users and tenants then date from its
    beginning.
    """
    kept = load(folder)
    if kept is None or not (folder.path / DATABASE).exists():
        # What an interrupted first run left behind belongs to nobody.
        for left in folder.path.glob(f"{DATABASE}*"):
            left.unlink()
        kept = None
    database = Database(database_url(folder))
    try:
        migrate(database)
        if kept is None:
            kept = _fill(database, account_id, clock, has_history=has_history)
            save(folder, kept)
    finally:
        database.close()
    return kept


def _fill(database: Database, account_id: str, now: Clock, *, has_history: bool) -> Accounts:
    # The audit log's time stamps must not go back, so users are added before their first session.
    clock = PastClock(beginning(now()) if has_history else now())
    tenants = _add_tenants(database, account_id, clock)
    audit = AuditLog(database, clock)
    try:
        identity = Identity(database, audit, clock)
        added = {person.username: _add_user(identity, database, person, tenants) for person in USERS}
        if has_history:
            callers = {username: caller for username, (_, caller) in added.items()}
            record_history(database, audit, clock, account_id, callers)
    finally:
        audit.close()
    return Accounts(tenants, {username: account for username, (account, _) in added.items()})


def _add_tenants(database: Database, account_id: str, clock: Clock) -> dict[str, TenantIds]:
    tenants = {name: TenantIds(str(uuid.uuid4()), secrets.token_hex(16)) for name in TENANTS}
    with database.writing() as connection:
        for name, key in tenants.items():
            plan = TenantPlan(name, account_id, key.external_id)
            tenant = Tenant(TenantId(key.id), name, REGION, plan.role_arn, key.external_id)
            TenantStore(connection).add(tenant, clock())
    return tenants


def _add_user(
    identity: Identity, database: Database, person: DemoUser, tenants: dict[str, TenantIds]
) -> tuple[Account, Caller]:
    """Add a user with an API token; return the secrets, and the user as a caller of the API."""
    password = None if person.is_service_account else new_password()
    user = identity.create_user(person.username, Role(person.role), password, OPERATOR)
    with database.writing() as connection:
        for tenant, access in person.memberships.items():
            tenant_id = TenantId(tenants[tenant].id)
            TenantStore(connection).add_member(tenant_id, user.id, Access(access), identity.clock())
    secret, token = identity.create_token(user, TokenKind.PERMANENT, "demo", OPERATOR)
    return Account(person.username, password, secret), Caller(user, token, Channel.API, "127.0.0.1", "")
