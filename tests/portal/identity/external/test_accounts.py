"""The users of accounts at identity providers: found, linked or created, and refused."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from daypass.portal.audit.event import OPERATOR, Event, Outcome
from daypass.portal.config.providers import ProviderConfig
from daypass.portal.errors import AccessDenied, AccountRefused, GroupsClaimInvalid, PortalError
from daypass.portal.identity.authentication import Identity
from daypass.portal.identity.browser_sessions import BrowserSessions
from daypass.portal.identity.external.accounts import LONG_AGO, ExternalAccounts
from daypass.portal.identity.external.claims import AccountClaims
from daypass.portal.identity.external.model import ExternalIdentity
from daypass.portal.identity.external.store.identities import ExternalIdentityStore, add_identity
from daypass.portal.identity.model import Role, User, UserKind
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.identity import users
from daypass.portal.storage.unit_of_work import UnitOfWork
from tests.fakes import NOON
from tests.portal.identity.conftest import person, sign_in
from tests.portal.identity.external.conftest import (
    BY_EMAIL,
    CONTEXT,
    CREATING,
    OKTA,
    authentication,
    events,
    verified,
)

DANA = "dana@example.com"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """SQLite: the rules are the same on every database, which `test_both_databases` has a few of."""
    return sqlite_url


def link(database: Database, user: User, subject: str = "00u-dana", issuer: str = OKTA.issuer) -> None:
    with database.writing() as connection:
        add_identity(ExternalIdentity(OKTA.name, issuer, subject, user.id, NOON)).apply(connection)


def owner_of(database: Database, subject: str) -> str | None:
    with database.reading() as connection:
        record = ExternalIdentityStore(connection).find_owner(OKTA.name, OKTA.issuer, subject)
    return None if record is None else record.user.username


def refusal(accounts: ExternalAccounts, config: ProviderConfig, subject: str, **claims: object) -> str:
    with pytest.raises(AccountRefused) as refused:
        accounts.prove(config, authentication(claims, subject), CONTEXT)
    return refused.value.cause_code


def test_a_linked_account_proves_its_user(accounts: ExternalAccounts, database: Database, dana: User) -> None:
    link(database, dana)

    proven = accounts.prove(OKTA, authentication(), CONTEXT)

    assert proven.record.user == dana
    assert (proven.provider, proven.method, proven.authenticated_at) == ("okta", "pwd mfa", NOON)
    assert proven.session is not None
    assert (proven.session.subject, proven.session.sid) == ("00u-dana", "sid-00u-dana")
    assert proven.session.id_token is None


def test_the_same_subject_of_another_issuer_is_another_account(
    accounts: ExternalAccounts, database: Database, dana: User
) -> None:
    link(database, dana, issuer="https://former.example.com")

    assert refusal(accounts, OKTA, "00u-dana") == "unknown_account"


@pytest.mark.parametrize("config", [OKTA, CREATING, BY_EMAIL], ids=["plain", "creating", "by e-mail"])
def test_an_account_with_the_address_and_name_of_another_user_is_not_that_user(
    config: ProviderConfig, accounts: ExternalAccounts, database: Database, dana: User
) -> None:
    link(database, dana)

    refusal(accounts, config, "00u-eve", **verified(DANA))

    assert owner_of(database, "00u-eve") is None


def test_a_user_whom_the_provider_renames_stays_the_same_user(
    accounts: ExternalAccounts, database: Database
) -> None:
    first = accounts.prove(CREATING, authentication(verified("erin@example.com")), CONTEXT)

    again = accounts.prove(CREATING, authentication(verified("erin.new@example.com")), CONTEXT)

    assert again.record.user == first.record.user
    assert owner_of(database, "00u-dana") == "erin@example.com"


def test_two_providers_with_the_same_address_have_two_accounts(accounts: ExternalAccounts) -> None:
    entra = replace(BY_EMAIL, name="entra", issuer="https://entra.example.com", creates_users=True)
    at_entra = replace(authentication(verified("erin@example.com")), issuer=entra.issuer)
    erin = accounts.prove(CREATING, authentication(verified("erin@example.com")), CONTEXT).record.user

    with pytest.raises(AccountRefused) as refused:
        accounts.prove(entra, at_entra, CONTEXT)
    assert refused.value.cause_code == "username_taken"

    assert accounts.prove(CREATING, authentication(), CONTEXT).record.user == erin


def test_an_account_without_a_user_is_refused_and_recorded(
    accounts: ExternalAccounts, database: Database
) -> None:
    with pytest.raises(AccountRefused, match="Your account at Okta has no access here yet"):
        accounts.prove(OKTA, authentication(verified(DANA)), CONTEXT)

    assert [
        (action, outcome, detail["reason"], detail["external_subject"])
        for action, outcome, _, detail in events(database)
    ] == [("sign_in", "denied", "unknown_account", "00u-dana")]


def test_the_first_sign_in_creates_a_user_if_the_operator_allows_it(
    accounts: ExternalAccounts, browser_sessions: BrowserSessions, database: Database
) -> None:
    proven = accounts.prove(CREATING, authentication(verified("Dana@Example.com")), CONTEXT)

    made = browser_sessions.start(proven, CONTEXT)
    assert (made.user.username, made.user.role, made.user.kind) == (DANA, Role.USER, UserKind.PERSON)
    assert [(action, subject) for action, _, subject, _ in events(database)] == [
        ("user.create", DANA),
        ("external_identity.link", DANA),
        ("sign_in", ""),
    ]
    again = accounts.prove(CREATING, authentication(verified("renamed@example.com")), CONTEXT)
    assert again.record.user == made.user


@pytest.mark.parametrize(
    ("claims", "cause"),
    [
        ({}, "no_username"),
        ({"preferred_username": ["dana"]}, "no_username"),
        ({"preferred_username": "d" * 256}, "no_username"),
        ({"preferred_username": "da\u0438a"}, "invalid_username"),
        ({"preferred_username": "daypass"}, "invalid_username"),
        ({"preferred_username": "a/b"}, "invalid_username"),
        ({"preferred_username": "daypass_pat_" + "a" * 38}, "invalid_username"),
    ],
)
def test_a_claim_that_makes_no_valid_username_creates_nobody(
    claims: dict[str, object], cause: str, accounts: ExternalAccounts, database: Database
) -> None:
    assert refusal(accounts, CREATING, "00u-new", **claims) == cause
    with database.reading() as connection:
        assert connection.execute(select(users.c.id)).all() == []


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"email_verified": False},
        {"email_verified": "true"},
        {"email_verified": True, "email": "stra\u00dfe@example.com"},
    ],
)
def test_an_address_that_is_not_verified_makes_no_username(
    claims: dict[str, object], accounts: ExternalAccounts, database: Database
) -> None:
    config = replace(CREATING, username_claim="email")

    assert refusal(accounts, config, "00u-new", **{"email": DANA, **claims}) == "email_unverified"

    assert owner_of(database, "00u-new") is None
    proven = accounts.prove(config, authentication(verified(DANA)), CONTEXT)
    assert proven.record.user.username == DANA


@pytest.mark.parametrize("name", [DANA, "DANA@example.com", "\uff44ana@example.com"])
def test_a_taken_name_is_never_adopted(
    name: str, accounts: ExternalAccounts, database: Database, identity: Identity
) -> None:
    person(identity, DANA, Role.ADMINISTRATOR)

    assert refusal(accounts, CREATING, "00u-new", preferred_username=name) == "username_taken"
    assert owner_of(database, "00u-new") is None


def test_a_verified_address_links_a_person_who_never_signed_in(
    accounts: ExternalAccounts, database: Database, dana: User
) -> None:
    proven = accounts.prove(BY_EMAIL, authentication(verified("Dana@example.com")), CONTEXT)

    assert proven.record.user == dana
    assert owner_of(database, "00u-dana") == DANA
    action, _, subject, detail = events(database)[-1]
    assert (action, subject, detail["rule"]) == ("external_identity.link", DANA, "email")


@pytest.mark.parametrize(
    "state",
    [
        "administrator",
        "signed in",
        "other account",
        "service account",
        "disabled",
        "break-glass",
        "other domain",
    ],
)
def test_an_address_links_no_other_user(
    state: str,
    accounts: ExternalAccounts,
    browser_sessions: BrowserSessions,
    database: Database,
    identity: Identity,
) -> None:
    user = person(identity, DANA, Role.ADMINISTRATOR if state == "administrator" else Role.USER)
    if state == "signed in":
        sign_in(browser_sessions)
    if state == "other account":
        link(database, user, "00u-other")
    changes: dict[str, dict[str, object]] = {
        "service account": {"password_hash": None, "kind": UserKind.SERVICE.value},
        "disabled": {"disabled_at": NOON},
        "break-glass": {"is_break_glass": True},
    }
    if state in changes:
        with database.writing() as connection:
            connection.execute(update(users).where(users.c.id == user.id).values(**changes[state]))
    config = replace(BY_EMAIL, email_domains=frozenset({"other.example"})) if "domain" in state else BY_EMAIL

    refusal(accounts, config, "00u-eve", **verified(DANA))

    assert owner_of(database, "00u-eve") is None


@pytest.mark.parametrize("domains", [frozenset(), frozenset({"example.com"})])
def test_an_address_links_nobody_unless_the_operator_switched_it_on(
    domains: frozenset[str], accounts: ExternalAccounts, dana: User
) -> None:
    off = replace(OKTA, links_by_email=not domains, email_domains=domains)

    assert refusal(accounts, off, "00u-dana", **verified(dana.username)) == "unknown_account"


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


@given(value=anything.filter(lambda value: value is not True))
def test_an_address_is_verified_by_true_alone(value: object) -> None:
    for said in (value, "true", 1):
        claims = AccountClaims.of(OKTA, {"email": DANA, "email_verified": said})
        assert (claims.verified_email, claims.domain) == ("", "")
    assert AccountClaims.of(OKTA, {"email": DANA}).domain == ""
    assert AccountClaims.of(OKTA, {"email": DANA, "email_verified": True}).domain == "example.com"


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("da\u017fa@example.com", "unknown_account"),
        ("\uff44asa@example.com", "unknown_account"),
        ("dasa@e\uff58ample.com", "email_domain"),
        ("dasa@\u00dfample.com", "email_domain"),
    ],
)
def test_an_address_that_only_folds_to_that_of_a_user_links_nobody(
    address: str, reason: str, accounts: ExternalAccounts, database: Database, identity: Identity
) -> None:
    person(identity, "dasa@example.com", Role.USER)
    person(identity, "dasa@ssample.com", Role.USER)
    config = replace(BY_EMAIL, email_domains=frozenset({"example.com", "ssample.com"}))

    assert refusal(accounts, config, "00u-eve", **verified(address)) == reason
    assert owner_of(database, "00u-eve") is None


@given(value=anything)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_claims_of_any_type_are_read(value: object) -> None:
    claims = AccountClaims.of(OKTA, {"email": value, "email_verified": True, "preferred_username": value})

    assert isinstance(claims.domain, str)
    assert len(claims.name) <= 255


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"email": "dana@other.example", "email_verified": True},
        {"email": "dana@example.com", "email_verified": "true"},
        {"email": "dana@example.com"},
        {"email": "dana@example.com@other.example", "email_verified": True},
        {"email": "example.com", "email_verified": True},
        {"email": "@example.com", "email_verified": True},
    ],
)
def test_a_required_domain_holds_for_linked_accounts_too(
    claims: dict[str, object], accounts: ExternalAccounts, database: Database, dana: User
) -> None:
    link(database, dana)
    config = replace(OKTA, email_domains=frozenset({"example.com"}))

    assert refusal(accounts, config, "00u-dana", **claims) == "email_domain"
    with pytest.raises(AccountRefused) as refused:
        accounts.prove_again(config, authentication(claims), CONTEXT)
    assert refused.value.cause_code == "email_domain"
    assert [detail["reason"] for *_, detail in events(database)[-2:]] == ["email_domain"] * 2

    assert accounts.prove(config, authentication(verified(DANA)), CONTEXT).record.user == dana


def test_the_effects_of_a_sign_in_are_committed_with_its_session_or_not_at_all(
    accounts: ExternalAccounts, browser_sessions: BrowserSessions, database: Database, dana: User
) -> None:
    link(database, dana)
    joined = Event(action="test.joined", actor=OPERATOR, outcome=Outcome.DONE)
    refusals: list[PortalError | None] = [AccessDenied("changed"), None]
    effects = UnitOfWork([], [joined], lambda _connection: refusals.pop(0))
    proven = replace(accounts, effects_of=lambda *_: effects).prove(OKTA, authentication(), CONTEXT)

    with pytest.raises(AccessDenied):
        browser_sessions.start(proven, CONTEXT)
    before = [action for action, *_ in events(database)]
    browser_sessions.start(proven, CONTEXT)

    assert "test.joined" not in before
    assert [action for action, *_ in events(database)] == [*before, "sign_in", "test.joined"]


@pytest.mark.parametrize("config", [CREATING, BY_EMAIL], ids=["created", "by e-mail"])
def test_refused_claims_leave_neither_a_user_nor_a_link(
    config: ProviderConfig, accounts: ExternalAccounts, database: Database, identity: Identity
) -> None:
    person(identity, "known@example.com", Role.USER)
    address = "known@example.com" if config is BY_EMAIL else "new@example.com"

    def refuse(*_: object) -> UnitOfWork[Event]:
        raise GroupsClaimInvalid("Okta did not send your groups.")

    with pytest.raises(GroupsClaimInvalid):
        replace(accounts, effects_of=refuse).prove(config, authentication(verified(address)), CONTEXT)

    assert owner_of(database, "00u-dana") is None
    with database.reading() as connection:
        assert connection.scalars(select(users.c.username)).all() == ["known@example.com"]


def test_an_authentication_without_a_time_is_never_recent(
    accounts: ExternalAccounts, database: Database, dana: User
) -> None:
    link(database, dana)

    proven = accounts.prove(OKTA, replace(authentication(), authenticated_at=None), CONTEXT)

    assert proven.authenticated_at == LONG_AGO


def test_the_id_token_is_kept_only_if_logout_needs_it_and_encrypted(
    accounts: ExternalAccounts, database: Database, dana: User
) -> None:
    link(database, dana)

    proven = accounts.prove(replace(OKTA, sends_id_token_hint=True), authentication(), CONTEXT)

    assert proven.session is not None
    assert proven.session.id_token is not None
    assert "an-id-token" not in proven.session.id_token
    assert accounts.key.unseal(proven.session.id_token) == authentication().id_token
