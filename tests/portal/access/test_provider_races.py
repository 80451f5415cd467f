"""The end of access by an identity provider on one replica, against the real issuer on another.

A provider ends access by a logout token (OpenID Connect Back-Channel Logout) and by SCIM. After the answer
to it, no replica releases credentials.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select

from daypass.portal.access.issue import Issuer
from daypass.portal.access.model import SessionRequest
from daypass.portal.errors import PortalError, Unauthenticated
from daypass.portal.identity.external.logout import ProviderLogout
from daypass.portal.identity.external.model import ExternalIdentity, ProviderSession
from daypass.portal.identity.external.store.identities import add_identity
from daypass.portal.identity.external.store.provider_sessions import add_provider_session
from daypass.portal.identity.model import ApiToken, Role, TokenId, TokenKind, User, UserId, UserKind
from daypass.portal.identity.providers.oidc.model import LogoutToken
from daypass.portal.identity.provisioning.model import ProvisionedUser, Provisioner, WantedUser
from daypass.portal.identity.provisioning.store.users import add_provisioned_user
from daypass.portal.identity.provisioning.users import ProvisionedUsers
from daypass.portal.identity.scopes import Scope
from daypass.portal.identity.store.tokens import add_token
from daypass.portal.identity.store.users import add_user
from daypass.portal.permission_sets.model import FULL
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.audit import audit_events
from daypass.portal.tenants.store import add_member
from tests.fakes import NOON, nothing_happens
from tests.portal.access.conftest import DEV, Rig, build, caller
from tests.portal.storage.blocked import start_blocked
from tests.portal.watched_committer import WatchedCommitter

TRIALS = 300
ISSUER = "https://okta.example.com"
OKTA = Provisioner("okta", "a-token", "192.0.2.1", "r")
DEV01 = SessionRequest(Scope.of_tenant(DEV.name))


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A user whom the provider made, and their session there and at the portal."""

    user: User
    token: ApiToken


@dataclass(frozen=True, slots=True)
class Replicas:
    """Two replicas: one issues, and the provider's requests reach the other."""

    rig: Rig
    releasing: WatchedCommitter
    ending: WatchedCommitter
    there: Database

    @property
    def logout(self) -> ProviderLogout:
        """The service that accepts logout tokens."""
        return ProviderLogout(self.there, self.ending, self.rig.clock)

    @property
    def provisioned(self) -> ProvisionedUsers:
        """The service behind SCIM."""
        return ProvisionedUsers(self.there, self.ending, self.rig.clock)

    @property
    def issuer_there(self) -> Issuer:
        """The issuer of the replica that the provider's requests reach."""
        return replace(self.rig.issuer, database=self.there, committer=self.ending)

    def sign_in(self, number: int) -> Sequence[SignedIn]:
        """Return users of the provider with access to dev01, each signed in through it."""
        made = [_signed_in(f"user{n}@example.com") for n in range(number)]
        with self.there.writing() as connection:
            for each in made:
                user, name = each.user, each.user.username
                for change in (
                    add_user(user, None, at=NOON),
                    add_provisioned_user(user, OKTA.provider, name, name, "{}", at=NOON),
                    add_identity(ExternalIdentity(OKTA.provider, ISSUER, name, user.id, NOON)),
                    add_member(DEV.id, user.id, FULL, at=NOON),
                    add_token(each.token, each.token.id.encode()),
                    add_provider_session(each.token.id, OKTA.provider, ProviderSession(ISSUER, name, name)),
                ):
                    change.apply(connection)
        return made

    def meet(self, barrier: threading.Barrier, stage: str) -> None:
        """Have the next issuance wait for another thread at a stage, once."""

        def meet() -> None:
            self.rig.broker.during_assume = self.releasing.meanwhile = nothing_happens
            barrier.wait(60)

        match stage:
            case "request":
                meet()
            case "call":
                self.rig.broker.during_assume = meet
            case "release":
                self.releasing.meanwhile = meet


def _signed_in(username: str) -> SignedIn:
    user = User(UserId(username), username, Role.USER, UserKind.PERSON)
    ends = NOON + timedelta(hours=8)
    token = ApiToken(TokenId(f"t-{username}"), TokenKind.BROWSER, "x", user.id, NOON, ends, ends)
    return SignedIn(user, token)


@pytest.fixture
def replicas(database_url: str) -> Iterator[Replicas]:
    """Two replicas; on SQLite, two portals on the same file."""
    here, there = Database(database_url), Database(database_url)
    releasing, ending = WatchedCommitter(here), WatchedCommitter(there)
    for rig in build(here):
        rig.issuer = rig.issuer_with(releasing)
        yield Replicas(rig, releasing, ending, there)
    for committer in (releasing, ending):
        committer.close()
    for database in (here, there):
        database.close()


End = Callable[[Replicas, User], None]
STAGES = ("request", "call", "release")


def end_session(replicas: Replicas, user: User) -> None:
    end_by_token(replicas, sid=user.username, subject=None)


def end_sessions(replicas: Replicas, user: User) -> None:
    end_by_token(replicas, sid=None, subject=user.username)


def end_by_token(replicas: Replicas, *, sid: str | None, subject: str | None) -> None:
    token = LogoutToken(sid, subject, f"jti-{sid}-{subject}", NOON + timedelta(minutes=2))
    replicas.logout.end(OKTA.provider, ISSUER, token)


def deactivate(replicas: Replicas, user: User) -> None:
    def off(old: ProvisionedUser) -> WantedUser:
        return WantedUser(old.user_name, old.external_id, is_active=False, attributes=old.attributes)

    replicas.provisioned.update(user.id, off, OKTA)


def delete(replicas: Replicas, user: User) -> None:
    replicas.provisioned.delete(user.id, OKTA)


ENDS: Sequence[End] = (end_session, end_sessions, deactivate, delete)
ends = pytest.mark.parametrize("end", ENDS)


def outcome_of(issuer: Issuer, signed_in: SignedIn) -> str:
    """Request keys for dev01; return `released`, or the code of the refusal."""
    try:
        issuer.issue(caller(signed_in.user, token=signed_in.token), DEV01)
    except PortalError as refusal:
        return refusal.code
    return "released"


@ends
def test_the_answer_to_the_provider_waits_for_a_release_in_progress(replicas: Replicas, end: End) -> None:
    (dana,) = replicas.sign_in(1)
    begun: list[threading.Thread] = []

    def end_meanwhile() -> None:
        begun.append(start_blocked(lambda: end(replicas, dana.user), replicas.there))

    replicas.releasing.meanwhile = end_meanwhile
    outcome = outcome_of(replicas.rig.issuer, dana)
    begun[0].join()

    assert outcome == "released"
    assert outcome_of(replicas.issuer_there, dana) == Unauthenticated.code


@ends
def test_a_release_waits_for_an_end_in_progress_and_is_refused(replicas: Replicas, end: End) -> None:
    (dana,) = replicas.sign_in(1)
    begun: list[threading.Thread] = []
    outcomes: list[str] = []

    def release_meanwhile() -> None:
        replicas.ending.meanwhile = nothing_happens
        release = partial(outcome_of, replicas.rig.issuer, dana)
        begun.append(start_blocked(lambda: outcomes.append(release()), replicas.there))

    replicas.ending.meanwhile = release_meanwhile
    end(replicas, dana.user)
    begun[0].join()

    assert outcomes == [Unauthenticated.code]
    assert replicas.rig.states() == ["failed"]


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
@pytest.mark.parametrize("kinds", [ENDS[:2], ENDS[2:]], ids=["logout", "scim"])
def test_in_hundreds_of_races_every_release_is_recorded_before_the_answer_to_the_provider(
    replicas: Replicas, kinds: Sequence[End]
) -> None:
    signed_in = replicas.sign_in(TRIALS)
    together = threading.Barrier(2)

    def end(number: int) -> bool:
        """End the access of a user; return whether a release to them is recorded at the answer."""
        user = signed_in[number].user
        together.wait(60)
        kinds[number % 2](replicas, user)
        return is_release_recorded(replicas.there, user)

    outcomes, recorded = [], []
    with ThreadPoolExecutor(1) as provider:
        for number, each in enumerate(signed_in):
            answer = provider.submit(end, number)
            # The end begins with the request, during the call to AWS, or inside the release.
            replicas.meet(together, STAGES[number // 2 % len(STAGES)])
            outcomes.append(outcome_of(replicas.rig.issuer, each))
            recorded.append(answer.result())

    assert set(outcomes) == {"released", Unauthenticated.code}
    assert [outcome == "released" for outcome in outcomes] == recorded
    assert [is_release_recorded(replicas.there, each.user) for each in signed_in] == recorded


def is_release_recorded(database: Database, user: User) -> bool:
    """Return whether the audit log has a release of credentials to a user."""
    with database.reading() as connection:
        query = select(audit_events.c.position).where(
            audit_events.c.actor_id == user.id, audit_events.c.outcome == "issued"
        )
        return connection.scalar(query) is not None
