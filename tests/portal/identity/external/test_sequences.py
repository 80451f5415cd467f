"""No sequence of sign-ins and of requests by SCIM gives a role, a tenant or another's user without a rule.

A model says what the rules give; the stores are real, on SQLite.
"""

from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import delete, select

from daypass.portal.audit.committer import Committer
from daypass.portal.config.providers import GroupSource, ProviderConfig
from daypass.portal.errors import PortalError
from daypass.portal.groups.model import Group, MemberSource
from daypass.portal.groups.store import add_group, add_group_membership
from daypass.portal.groups.synchronisation import GroupSynchronisation
from daypass.portal.identity.browser_sessions import BrowserSessions
from daypass.portal.identity.external.accounts import ExternalAccounts
from daypass.portal.identity.model import Role, User, UserId, UserKind
from daypass.portal.identity.providers.base import SignInContext
from daypass.portal.identity.providers.oidc.model import Authentication
from daypass.portal.identity.provisioning.model import Provisioner, WantedUser
from daypass.portal.identity.provisioning.users import ProvisionedUsers
from daypass.portal.identity.store.users import UserStore, add_user
from daypass.portal.permission_sets.model import FULL
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.groups import groups
from daypass.portal.storage.schema.identity import users
from daypass.portal.storage.schema.sign_in import external_identities
from daypass.portal.storage.schema.tenants import tenants
from daypass.portal.tenants.model import GroupId
from daypass.portal.tenants.store import TenantStore, add_member, add_tenant
from tests.fakes import NOON, FakeClock
from tests.portal.access.conftest import DATA, DEV, PROD

CLAIMS = ProviderConfig(
    "claims",
    "https://claims.example.com",
    "daypass",
    creates_users=True,
    groups=GroupSource.CLAIM,
    makes_administrators=True,
)
SCIM = ProviderConfig("scim", "https://scim.example.com", "daypass", groups=GroupSource.SCIM)
MAIL = ProviderConfig(
    "mail",
    "https://mail.example.com",
    "daypass",
    creates_users=True,
    links_by_email=True,
    email_domains=frozenset({"example.com"}),
)
PROVISIONER = Provisioner(SCIM.name, "a-token", "192.0.2.1", "r")
CONTEXT = SignInContext("192.0.2.7", "r")

ROOT = User(UserId("root"), "root@example.com", Role.ADMINISTRATOR, UserKind.PERSON)
BOB = User(UserId("bob"), "bob@example.com", Role.USER, UserKind.PERSON)

GIVEN_BY_GROUPS = {"developers": {PROD.name}, "platform": set[str]()}
"""The tenants that each value of the groups claim gives; `platform` makes Administrators."""


def group(provider: ProviderConfig, name: str, source: MemberSource = MemberSource.CLAIM) -> Group:
    makes_administrators = name == "platform"
    id_ = GroupId(f"{provider.name}-{name}-{source}")
    return Group(id_, name, source, provider.name, name, makes_administrators=makes_administrators)


_NEW = [f"new{number}@example.com" for number in range(12)]
names = st.sampled_from([*_NEW, "bob@example.com", "root@example.com", "Root@Example.com", "eve"])
emails = st.sampled_from(["bob@example.com", "bob@example.com", "root@example.com", "ann@example.com"])
subjects = st.sampled_from(["1", "2", "root", "bob"])
"""Two of them are the ids of users in the portal."""
group_claims = st.sampled_from(
    [
        *(["developers"], ["platform"], ["developers", "platform"], [], ["Platform", "unknown", ""]),
        *("platform", None),
    ]
)


class Portal(RuleBasedStateMachine):
    """A portal with three providers, and the model of what their users may have."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self.database, clock = database, FakeClock()
        self.committer = Committer(database, clock)
        synchronisation = GroupSynchronisation(database, self.committer, clock)
        self.accounts = ExternalAccounts.of(
            database, self.committer, clock, synchronisation.changes_of_sign_in
        )
        self.sessions = BrowserSessions(database, self.committer, clock)
        self.provisioned = ProvisionedUsers(database, self.committer, clock)
        self._seed()
        self.owners: dict[tuple[str, str], str] = {}
        """The user of each account at a provider."""
        self.external_ids: dict[str, str] = {}
        """The users that SCIM made, by `externalId`."""
        self.groups_of: dict[str, set[str]] = {}
        """The groups by the claim of the last sign-in; the groups of SCIM have no members here."""
        self.has_signed_in: set[str] = set()

    def _seed(self) -> None:
        with self.database.writing() as connection:
            for table in (users, groups, tenants):
                connection.execute(delete(table))
            changes = [add_tenant(tenant, at=NOON) for tenant in (DEV, PROD, DATA)]
            changes += [add_user(ROOT, "a hash", at=NOON), add_user(BOB, None, at=NOON)]
            changes.append(add_member(DEV.id, BOB.id, FULL, at=NOON))
            for each, gives in (
                (group(CLAIMS, "developers"), PROD),
                (group(CLAIMS, "platform"), None),
                # The operator reads no claim of these providers any more, or never did.
                (group(MAIL, "platform"), DATA),
                (group(MAIL, "developers"), DATA),
                (group(SCIM, "developers"), DATA),
                (group(SCIM, "platform", MemberSource.SCIM), DATA),
            ):
                changes.append(add_group(each, at=NOON))
                if gives is not None:
                    changes.append(add_group_membership(each.id, gives.id, FULL, None, at=NOON))
            for change in changes:
                change.apply(connection)

    @rule(
        provider=st.sampled_from([CLAIMS, SCIM, MAIL]),
        subject=subjects,
        email=emails,
        is_verified=st.sampled_from([True, True, True, False, "true"]),
        username=names,
        sent=group_claims,
        has_overage=st.sampled_from([*[False] * 7, True]),
    )
    def sign_in(
        self,
        provider: ProviderConfig,
        subject: str,
        email: str,
        is_verified: object,
        username: str,
        sent: object,
        has_overage: bool,
    ) -> None:
        """Sign in with these claims; what a refusal leaves behind follows the same rules."""
        claims = {"email": email, "email_verified": is_verified, "preferred_username": username}
        if sent is not None:
            claims["groups"] = sent
        if has_overage:
            claims["_claim_names"] = {"groups": "src1"}
        answer = Authentication(provider.issuer, subject, claims, NOON, "", (), None, Secret("x"), NOON)
        known, candidate = self._users(), self._candidate(provider, email, is_verified)
        signed_in = None
        with suppress(PortalError):
            signed_in = self.sessions.start(self.accounts.prove(provider, answer, CONTEXT), CONTEXT)
        self._check_owner(provider, subject, known, candidate)
        if signed_in is None:
            return
        assert signed_in.user.id == self.owners[provider.name, subject]
        self.has_signed_in.add(signed_in.user.id)
        if provider is CLAIMS:
            # An overage or a claim that is missing or no list is refused.
            assert isinstance(sent, list)
            assert not has_overage
            self.groups_of[signed_in.user.id] = GIVEN_BY_GROUPS.keys() & sent

    def _check_owner(
        self, provider: ProviderConfig, subject: str, known: dict[str, User], candidate: str | None
    ) -> None:
        """Check that accounts stay with their users, and that a rule gave this one its user."""
        query = select(external_identities)
        with self.database.reading() as connection:
            rows = connection.execute(query).all()
        now = {(row.provider, row.subject): str(row.user_id) for row in rows}
        new = now.keys() - self.owners.keys()
        assert {key: now[key] for key in now.keys() - new} == self.owners
        assert new <= {(provider.name, subject)}
        for key in new:
            user = now[key]
            is_created = provider.creates_users and user not in known
            is_provisioned = provider is SCIM and self.external_ids.get(subject) == user
            assert is_created or is_provisioned or user == candidate
        self.owners = now

    def _candidate(self, provider: ProviderConfig, email: str, is_verified: object) -> str | None:
        """Return the user whom the account may get by its e-mail address."""
        found = next((user for user in self._users().values() if user.username == email.lower()), None)
        is_free = found is not None and found.id not in {*self.owners.values(), *self.has_signed_in}
        if provider is not MAIL or is_verified is not True or found is None or not is_free:
            return None
        return None if self._may_administer(found.id) else found.id

    @rule(external_id=subjects, name=names, is_active=st.sampled_from([True, False, None]))
    def create_by_scim(self, external_id: str, name: str, is_active: bool | None) -> None:
        """Create a user."""
        wanted = WantedUser(name, external_id, is_active)
        with suppress(PortalError):
            made = self.provisioned.create(wanted, PROVISIONER)
            assert external_id not in self.external_ids
            self.external_ids[external_id] = made.user.id

    @rule(external_id=subjects, name=names, is_active=st.sampled_from([True, False, None]))
    def change_by_scim(self, external_id: str, name: str, is_active: bool | None) -> None:
        """Rename, deactivate or reactivate a user."""
        with suppress(PortalError):
            self.provisioned.update(
                self.external_ids.get(external_id, external_id),
                lambda _old: WantedUser(name, external_id, is_active),
                PROVISIONER,
            )
            assert external_id in self.external_ids

    @rule(external_id=subjects)
    def delete_by_scim(self, external_id: str) -> None:
        """Delete a user; `externalId` becomes free."""
        with suppress(PortalError):
            self.provisioned.delete(self.external_ids.get(external_id, external_id), PROVISIONER)
            del self.external_ids[external_id]

    @invariant()
    def everyone_has_only_what_a_rule_gives(self) -> None:
        """Compare roles and tenants with the model."""
        found = self._users()
        assert {user.id for user in found.values() if user.is_administrator} == {
            user for user in found if self._may_administer(user)
        }
        with self.database.reading() as connection:
            store = TenantStore(connection)
            has = {user: {each.tenant.name for each in store.search(user, "", 9, NOON)} for user in found}
        assert has == {user: self._tenants(user) for user in found}

    def _may_administer(self, user: str) -> bool:
        return user == ROOT.id or "platform" in self.groups_of.get(user, ())

    def _tenants(self, user: str) -> set[str]:
        given = {DEV.name} if user == BOB.id else set()
        return given.union(*(GIVEN_BY_GROUPS[name] for name in self.groups_of.get(user, ())))

    def _users(self) -> dict[str, User]:
        with self.database.reading() as connection:
            all_ids = connection.scalars(select(users.c.id)).all()
            found = [UserStore(connection).find_by_id(UserId(id_)) for id_ in all_ids]
        return {user.id: user for user in found if user is not None}

    def teardown(self) -> None:
        """Close the audit log."""
        self.committer.close()


@pytest.fixture
def one_database(sqlite_url: str) -> Iterator[Database]:
    """A migrated SQLite database, which each example empties."""
    opened = Database(sqlite_url)
    yield opened
    opened.close()


def test_no_sequence_of_sign_ins_and_scim_gives_anything_without_a_rule(one_database: Database) -> None:
    class OnDatabase(Portal):
        def __init__(self) -> None:
            super().__init__(one_database)

    run_state_machine_as_test(
        OnDatabase, settings=settings(max_examples=30, stateful_step_count=20, deadline=None)
    )
