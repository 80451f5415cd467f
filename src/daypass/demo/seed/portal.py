"""Seeding of the portal's database, once per state folder."""

import secrets
import uuid
from datetime import timedelta

from daypass.demo.saved_state import SavedState, TenantIds, UserSecrets, load, new_password, save
from daypass.demo.seed.fixtures import (
    CI,
    DANA,
    MASTER_ROLE,
    NO_DEPLOY,
    REGION,
    ROLE_PREFIX,
    TENANTS,
    USERS,
    DemoUser,
    TenantPlan,
)
from daypass.demo.seed.groups import add_groups, add_local_group
from daypass.demo.seed.history import PastClock, beginning, record_history
from daypass.demo.state_dir import StateDirectory
from daypass.portal.access.model import Caller, Channel
from daypass.portal.accounts.model import Account
from daypass.portal.accounts.store import VerifiedPolicies
from daypass.portal.admin.users.store.users import describe_user
from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import OPERATOR
from daypass.portal.aws.fence.shared import digest, shared_policies
from daypass.portal.clock import Clock
from daypass.portal.identity.authentication import Identity
from daypass.portal.identity.model import Role, TokenKind, User
from daypass.portal.permission_sets.model import FULL
from daypass.portal.permission_sets.store import add_permission_set
from daypass.portal.storage.engine import Database
from daypass.portal.storage.migrate import migrate
from daypass.portal.tenants.model import Access, Tenant, TenantId
from daypass.portal.tenants.store import TenantStore
from daypass.portal.workloads.issuers.model import IssuerKind
from daypass.portal.workloads.issuers.table import KINDS
from daypass.portal.workloads.model import RuleId, RuleTenant, WorkloadRule
from daypass.portal.workloads.store.rules import add_rule

DATABASE = "daypass.db"


def database_url(folder: StateDirectory) -> str:
    """Return the URL of the folder's database."""
    return f"sqlite:///{folder.path / DATABASE}"


def seed_portal(
    folder: StateDirectory, account_id: str, public_url: str, clock: Clock, *, has_history: bool
) -> SavedState:
    """Migrate the database and return its users and tenants; on the first run, add them.

    On the first run, `has_history` also adds the sample history; users and tenants then date from its
    beginning.
    """
    saved = load(folder)
    if saved is None or not (folder.path / DATABASE).exists():
        # An interrupted first run leaves an incomplete database, and a write-ahead log, which SQLite must not
        # find beside a new file of the same name.
        for incomplete in folder.path.glob(f"{DATABASE}*"):
            incomplete.unlink()
        saved = None
    database = Database(database_url(folder))
    try:
        migrate(database)
        if saved is None:
            saved = _fill(database, account_id, public_url, clock, has_history=has_history)
            save(folder, saved)
        _record_policies(database, account_id, clock)
    finally:
        database.close()
    return saved


def _record_policies(database: Database, account_id: str, clock: Clock) -> None:
    """Record the shared policies as verified: `seed.aws` creates them with the contents of this release."""
    account = Account.known("aws", account_id, ROLE_PREFIX, MASTER_ROLE)
    digests = {name: digest(policy) for name, policy in shared_policies(account).items()}
    with database.writing() as connection:
        VerifiedPolicies(connection).record(account_id, digests, clock())


def _fill(
    database: Database, account_id: str, public_url: str, now: Clock, *, has_history: bool
) -> SavedState:
    # The audit log's time stamps must not go back, so users are added before their first session.
    clock = PastClock(beginning(now()) if has_history else now())
    tenants = _add_tenants(database, account_id, clock)
    with database.writing() as connection:
        add_permission_set(NO_DEPLOY, at=clock()).apply(connection)
    committer = Committer(database, clock)
    try:
        identity = Identity(database, committer, clock)
        added = {user.username: _add_user(identity, database, user, tenants) for user in USERS}
        rule = _workload_rule(added[CI.username][1].user, public_url, tenants)
        with database.writing() as connection:
            for change in add_rule(rule, by=rule.user_id, at=clock()):
                change.apply(connection)
            dana, production = added[DANA.username][1].user, TenantId(tenants["prod01"].id)
            add_local_group(connection, dana.id, production, now())
            describe_user(rule.user_id, dana.id, "Deploys the shop.").apply(connection)
        if has_history:
            callers = {username: caller for username, (_, caller) in added.items()}
            record_history(database, committer, clock, account_id, callers)
    finally:
        committer.close()
    return SavedState(
        tenants, {username: secrets_of_user for username, (secrets_of_user, _) in added.items()}
    )


def _workload_rule(account: User, public_url: str, tenants: dict[str, TenantIds]) -> WorkloadRule:
    """Return a rule for jobs of an imaginary repository on GitHub; the portal does not call GitHub for it."""
    return WorkloadRule(
        id=RuleId("0" * 32),
        name="shop",
        kind=IssuerKind.GITHUB,
        issuer=KINDS[IssuerKind.GITHUB].issuer,
        audience=public_url,
        claims={"repository_id": "123456789", "repository_owner_id": "9919", "environment": "production"},
        user_id=account.id,
        token_lifetime=timedelta(minutes=15),
        session_limit=timedelta(hours=1),
        tags={"repository": "repository", "run_id": "run"},
        tenants=(RuleTenant(TenantId(tenants["dev01"].id), "dev01", FULL),),
    )


def _add_tenants(database: Database, account_id: str, clock: Clock) -> dict[str, TenantIds]:
    tenants = {name: TenantIds(str(uuid.uuid4()), secrets.token_hex(16)) for name in TENANTS}
    with database.writing() as connection:
        for name, key in tenants.items():
            plan = TenantPlan(name, account_id, key.external_id)
            tenant = Tenant.with_role(TenantId(key.id), name, REGION, plan.role_arn, key.external_id)
            TenantStore(connection).add(tenant, clock())
        add_groups(connection, {name: key.id for name, key in tenants.items()}, clock())
    return tenants


def _add_user(
    identity: Identity, database: Database, user: DemoUser, tenants: dict[str, TenantIds]
) -> tuple[UserSecrets, Caller]:
    """Add a user with an API token; return the secrets, and the user as a caller of the API."""
    password = None if user.is_service_account else new_password()
    created = identity.create_user(user.username, Role(user.role), password, OPERATOR)
    with database.writing() as connection:
        for tenant, access in user.memberships.items():
            tenant_id = TenantId(tenants[tenant].id)
            TenantStore(connection).add_member(tenant_id, created.id, Access(access), identity.clock())
    secret, token = identity.create_token(created, TokenKind.PERMANENT, "demo", OPERATOR)
    return UserSecrets(user.username, password, secret), Caller(created, token, Channel.API, "127.0.0.1", "")
