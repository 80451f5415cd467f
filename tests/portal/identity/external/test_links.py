"""The accounts at identity providers that users link and unlink themselves."""

from dataclasses import replace

import pytest
from sqlalchemy import update

from daypass.portal.errors import (
    AccountRefused,
    InvalidRequest,
    LastSignInMethod,
    ReauthenticationRequired,
    SignInAgain,
)
from daypass.portal.identity.authentication import Identity
from daypass.portal.identity.browser_sessions import BrowserSessions, SignedIn
from daypass.portal.identity.external.accounts import ExternalAccounts
from daypass.portal.identity.external.links import ExternalLinks, SignInMethods
from daypass.portal.identity.model import Role, User
from daypass.portal.identity.reauthentication import RECENT
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.identity import users
from tests.fakes import FakeClock
from tests.portal.identity.conftest import SECOND, person, sign_in
from tests.portal.identity.external.conftest import (
    CONTEXT,
    KEY,
    OKTA,
    authentication,
    events,
    link_own,
    verified,
)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """SQLite: the rules are the same on every database, which `test_both_databases` has a few of."""
    return sqlite_url


def without_password(database: Database, user: User) -> None:
    with database.writing() as connection:
        changed = update(users).where(users.c.id == user.id).values(password_hash=None, kind="person")
        connection.execute(changed)


def test_a_linked_account_signs_its_user_in(
    links: ExternalLinks, accounts: ExternalAccounts, session: SignedIn, database: Database
) -> None:
    link_own(links, session)

    assert accounts.prove(OKTA, authentication(), CONTEXT).record.user == session.user
    (linked,) = links.list_for(session.user)
    assert (linked.email, linked.linked_by) == ("d.ana@work.example", session.user.id)
    action, _, subject, detail = events(database)[-1]
    assert (action, subject, detail["rule"]) == ("external_identity.link", session.user.username, "user")


def test_an_account_of_another_user_is_not_linked(
    links: ExternalLinks, session: SignedIn, browser_sessions: BrowserSessions, identity: Identity
) -> None:
    link_own(links, session)
    person(identity, "eve@example.com", Role.USER)

    with pytest.raises(AccountRefused, match="linked to another user already"):
        link_own(links, sign_in(browser_sessions, "eve@example.com"))
    with pytest.raises(AccountRefused, match="linked to dana@example"):
        link_own(links, session)


def test_a_refused_link_is_recorded(
    links: ExternalLinks,
    session: SignedIn,
    browser_sessions: BrowserSessions,
    identity: Identity,
    database: Database,
) -> None:
    link_own(links, session)
    person(identity, "eve@example.com", Role.USER)
    eve = sign_in(browser_sessions, "eve@example.com")

    with pytest.raises(AccountRefused):
        link_own(links, eve)

    action, outcome, subject, detail = events(database)[-1]
    assert (action, outcome, subject) == ("external_identity.link", "denied", "eve@example.com")
    assert (detail["external_subject"], detail["reason"]) == ("00u-dana", "already_linked")


def test_the_emergency_account_links_nothing(
    links: ExternalLinks, session: SignedIn, database: Database
) -> None:
    with database.writing() as connection:
        connection.execute(update(users).values(is_break_glass=True))

    with pytest.raises(AccountRefused, match="must not depend on an identity provider"):
        link_own(links, session)


def test_a_session_that_has_ended_links_nothing(
    links: ExternalLinks, session: SignedIn, browser_sessions: BrowserSessions
) -> None:
    browser_sessions.sign_out(session.token, session.user, "r")

    with pytest.raises(SignInAgain):
        link_own(links, session)


def test_the_required_domain_holds_for_links(
    links: ExternalLinks, session: SignedIn, database: Database
) -> None:
    config = replace(OKTA, email_domains=frozenset({"example.com"}))

    with pytest.raises(AccountRefused) as refused:
        links.link(config, authentication(verified("d@other.example")), session.user, session.token, "r")
    assert refused.value.cause_code == "email_domain"
    assert [detail["reason"] for _, outcome, _, detail in events(database) if outcome == "denied"] == [
        "email_domain"
    ]


def test_unlinking_needs_a_recent_sign_in(links: ExternalLinks, session: SignedIn, clock: FakeClock) -> None:
    link_own(links, session)
    clock.move(RECENT + SECOND)

    with pytest.raises(ReauthenticationRequired):
        links.unlink(*KEY, session.user, session.token, "r")


@pytest.mark.parametrize("state", ["no password", "passwords off", "other account not usable"])
def test_the_last_way_in_is_not_unlinked(
    state: str, links: ExternalLinks, session: SignedIn, database: Database
) -> None:
    link_own(links, session)
    if state == "passwords off":
        links = replace(links, methods=SignInMethods([OKTA], accepts_passwords=False))
    else:
        without_password(database, session.user)
    if "account" in state:
        former = replace(OKTA, issuer="https://former.example.com")
        answered = replace(authentication(), issuer=former.issuer)
        links.link(former, answered, session.user, session.token, "r")

    with pytest.raises(LastSignInMethod, match="only way"):
        links.unlink(*KEY, session.user, session.token, "r")

    assert KEY in [(i.provider, i.issuer, i.subject) for i in links.list_for(session.user)]


def test_an_account_is_unlinked_while_another_one_remains(
    links: ExternalLinks, session: SignedIn, database: Database
) -> None:
    link_own(links, session)
    link_own(links, session, "00u-second")
    without_password(database, session.user)

    links.unlink(*KEY, session.user, session.token, "r")

    assert [identity.subject for identity in links.list_for(session.user)] == ["00u-second"]


def test_an_account_that_is_unlinked_meanwhile_gives_no_session(
    links: ExternalLinks, session: SignedIn, accounts: ExternalAccounts, browser_sessions: BrowserSessions
) -> None:
    link_own(links, session)
    proven = accounts.prove(OKTA, authentication(), CONTEXT)

    links.unlink(*KEY, session.user, session.token, "r")

    with pytest.raises(AccountRefused) as refused:
        browser_sessions.start(proven, CONTEXT)
    assert refused.value.cause_code == "changed"


def test_an_account_of_another_user_is_not_unlinked(
    links: ExternalLinks, session: SignedIn, browser_sessions: BrowserSessions, identity: Identity
) -> None:
    link_own(links, session)
    person(identity, "eve@example.com", Role.USER)
    eve = sign_in(browser_sessions, "eve@example.com")

    with pytest.raises(InvalidRequest, match="not linked any more"):
        links.unlink(*KEY, eve.user, eve.token, "r")

    assert len(links.list_for(session.user)) == 1
