"""The end of what a provider said, once it is not configured or has not said it for a month."""

from dataclasses import replace
from datetime import timedelta

import pytest

from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import Event
from daypass.portal.config.providers import GroupSource, ProviderConfig
from daypass.portal.errors import AuditUnavailable, SignInAgain, SignInFailed
from daypass.portal.groups.lapse.claims import CLAIMS_COUNT_FOR, LapsedClaims, LapsedClaimsJob
from daypass.portal.identity.browser_sessions import BrowserSessions, SignedIn
from daypass.portal.identity.external.accounts import ExternalAccounts
from daypass.portal.identity.external.model import ExternalIdentity
from daypass.portal.identity.external.store.identities import add_identity, remove_identity
from daypass.portal.identity.model import Role, TokenKind
from daypass.portal.identity.providers.base import SignInContext
from daypass.portal.identity.providers.oidc.model import Authentication
from daypass.portal.identity.store.tokens import add_token
from daypass.portal.identity.tokens import digest
from daypass.portal.secret import Secret
from daypass.portal.storage.schema.identity import users
from daypass.portal.storage.unit_of_work import UnitOfWork
from tests.fakes import NOON
from tests.portal.groups.conftest import BOB, World
from tests.portal.groups.examples import DEVELOPERS, PLATFORM, SCIM, add
from tests.portal.groups.test_claims import OKTA
from tests.portal.groups.test_synchronisation import READERS
from tests.portal.identity.external.conftest import events
from tests.portal.identity.external.test_logout import is_ended, other_token

CONTEXT = SignInContext("192.0.2.7", "request-1")
ACCOUNT = ExternalIdentity("okta", OKTA.issuer, "00u-bob", BOB.id, NOON)
SECOND = timedelta(seconds=1)


@pytest.fixture
def accounts(world: World) -> ExternalAccounts:
    """The accounts of a portal, at which BOB has one of Okta, in groups of every source."""
    with world.database.writing() as connection:
        add_identity(ACCOUNT).apply(connection)
        for group in (PLATFORM, READERS):
            add(connection, group)
        for group in (DEVELOPERS, SCIM):
            add(connection, group, BOB)
    effects_of = world.synchronisation.changes_of_sign_in
    return ExternalAccounts.of(world.database, world.committer, world.clock, effects_of)


def sign_in(world: World, accounts: ExternalAccounts, *groups: str) -> SignedIn:
    claims = {"groups": list(groups)}
    now = world.clock()
    authentication = Authentication(
        OKTA.issuer, "00u-bob", claims, now, "", ("pwd",), None, Secret("an-id-token"), now
    )
    proven = accounts.prove(OKTA, authentication, CONTEXT)
    return BrowserSessions(world.database, world.committer, world.clock).start(proven, CONTEXT)


def run(world: World, *providers: ProviderConfig) -> None:
    """Run the job of a portal with these providers."""
    lapsed = LapsedClaims(world.database, world.committer, world.clock, world.synchronisation, providers)
    LapsedClaimsJob(lapsed).run_once()


def is_signed_in(world: World, session: SignedIn) -> bool:
    try:
        BrowserSessions(world.database, world.committer, world.clock).find(session.cookie.reveal())
    except SignInAgain:
        return False
    return True


def test_the_groups_of_a_claim_count_for_thirty_days_after_the_last_sign_in_at_the_provider(
    world: World, accounts: ExternalAccounts
) -> None:
    sign_in(world, accounts, "daypass-platform", "daypass-readers")
    world.clock.move(CLAIMS_COUNT_FOR - SECOND)
    run(world, OKTA)
    assert world.groups_of() == ["developers", "platform", "readers", "scim"]

    sign_in(world, accounts, "daypass-platform", "daypass-readers")
    world.clock.move(CLAIMS_COUNT_FOR - SECOND)
    run(world, OKTA)
    assert world.role() is Role.ADMINISTRATOR

    world.clock.move(SECOND)
    run(world, OKTA)
    assert (world.groups_of(), world.role()) == (["developers", "scim"], Role.USER)
    detail = {"user": BOB.username, "source": "claim", "provider": "okta"}
    assert world.events()[-2:] == [
        ("group_member.remove", name, "done", detail) for name in ("readers", "platform")
    ]
    sign_in(world, accounts, "daypass-readers")
    assert world.groups_of() == ["developers", "readers", "scim"]


@pytest.mark.parametrize(
    "providers",
    [
        [],
        [replace(OKTA, name="entra")],
        [replace(OKTA, issuer="https://other.example.com")],
        [replace(OKTA, groups=GroupSource.SCIM)],
        [replace(OKTA, groups=GroupSource.NONE)],
    ],
    ids=["none", "another", "another issuer", "by SCIM", "without groups"],
)
def test_the_groups_of_a_claim_end_with_the_configuration_of_the_provider(
    world: World, accounts: ExternalAccounts, providers: list[ProviderConfig]
) -> None:
    sign_in(world, accounts, "daypass-platform", "daypass-readers")

    run(world, *providers)

    assert (world.groups_of(), world.role()) == (["developers", "scim"], Role.USER)


def test_the_groups_of_a_claim_end_with_the_link_of_the_account(
    world: World, accounts: ExternalAccounts
) -> None:
    sign_in(world, accounts, "daypass-readers")
    with world.database.writing() as connection:
        remove_identity(ACCOUNT).apply(connection)

    run(world, OKTA)

    assert world.groups_of() == ["developers", "scim"]


def test_no_lapse_takes_the_role_while_no_local_administrator_could_repair_it(
    world: World, accounts: ExternalAccounts
) -> None:
    sign_in(world, accounts, "daypass-platform")
    with world.database.writing() as connection:
        connection.execute(users.update().values(password_hash=None))

    run(world)

    assert world.role() is Role.ADMINISTRATOR
    action, subject, outcome, detail = world.events()[-1]
    assert (action, subject, outcome) == ("group.synchronise", BOB.username, "alert")
    assert (detail["provider"], detail["code"]) == ("okta", "last_administrator")


class StoppedCommitter(Committer):
    """A committer whose database accepts no write."""

    def commit_unit(self, unit: UnitOfWork[Event]) -> None:
        """Raise `AuditUnavailable`."""
        raise AuditUnavailable(f"{len(unit.changes)} changes are not written.")


def test_a_database_that_does_not_write_ends_the_run_for_the_log(
    world: World, accounts: ExternalAccounts
) -> None:
    sign_in(world, accounts, "daypass-readers")
    stopped = StoppedCommitter(world.database, world.clock)

    with pytest.raises(AuditUnavailable):
        LapsedClaims(world.database, stopped, world.clock, world.synchronisation, ()).end_memberships()


class OvertakenCommitter(Committer):
    """A committer, before whose first commit another replica does the same."""

    def __init__(self, world: World, other: LapsedClaims) -> None:
        super().__init__(world.database, world.clock)
        self.other: LapsedClaims | None = other

    def commit_unit(self, unit: UnitOfWork[Event]) -> None:
        """Commit after the other replica."""
        other, self.other = self.other, None
        if other is not None:
            other.end_sessions()
        super().commit_unit(unit)


def test_a_session_that_another_replica_ends_meanwhile_is_recorded_once(
    world: World, accounts: ExternalAccounts
) -> None:
    sessions = [sign_in(world, accounts, "daypass-readers") for _ in range(3)]
    other = LapsedClaims(world.database, world.committer, world.clock, world.synchronisation, ())
    overtaken = replace(other, committer=OvertakenCommitter(world, other))

    LapsedClaimsJob(overtaken).run_once()

    assert not any(is_signed_in(world, session) for session in sessions)
    assert [event[0] for event in events(world.database)].count("sign_out.provider") == len(sessions)


def test_a_sign_in_at_the_same_moment_keeps_the_groups(world: World, accounts: ExternalAccounts) -> None:
    sign_in(world, accounts, "daypass-readers")
    unit = world.synchronisation.changes_of_lapse(BOB, "okta", lambda _connection: False)

    with pytest.raises(SignInFailed, match="Your groups were changed"):
        world.committer.commit_unit(unit)

    assert world.groups_of() == ["developers", "readers", "scim"]


@pytest.mark.parametrize(
    ("providers", "stays"),
    [
        ([OKTA], True),
        ([], False),
        ([replace(OKTA, name="entra")], False),
        ([replace(OKTA, issuer="https://other.example.com")], False),
    ],
    ids=["configured", "none", "another", "another issuer"],
)
def test_sessions_of_a_provider_that_is_not_configured_end_with_their_tokens(
    world: World, accounts: ExternalAccounts, providers: list[ProviderConfig], *, stays: bool
) -> None:
    session = sign_in(world, accounts)
    by_password, below = (
        other_token(kind, BOB, parent)
        for kind, parent in ((TokenKind.BROWSER, None), (TokenKind.TEMPORARY, session.token))
    )
    with world.database.writing() as connection:
        for token in (by_password, below):
            add_token(token, digest(token.id)).apply(connection)

    run(world, *providers)
    run(world, *providers)

    assert is_signed_in(world, session) is stays
    assert [is_ended(world.database, token) for token in (by_password, below)] == [False, not stays]
