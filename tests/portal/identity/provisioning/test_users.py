"""The users of an identity provider: made, changed, deactivated and deleted."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select, update

from daypass.portal.audit.event import OPERATOR
from daypass.portal.errors import (
    AlreadyExists,
    InvalidRequest,
    LastAdministrator,
    PreconditionFailed,
    SignInAgain,
    UserNotFound,
)
from daypass.portal.identity.authentication import Identity
from daypass.portal.identity.browser_sessions import BrowserSessions
from daypass.portal.identity.model import Role, TokenKind, User, UserKind
from daypass.portal.identity.provisioning.model import ProvisionedUser, WantedUser
from daypass.portal.identity.provisioning.users import ProvisionedUsers
from daypass.portal.identity.store.tokens import TokenStore
from daypass.portal.identity.tokens import digest
from daypass.portal.permission_sets.model import READ_ONLY
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.groups import group_members
from daypass.portal.storage.schema.identity import oauth_requests, users
from daypass.portal.storage.schema.sign_in import recovery_links, sign_in_attempts, webauthn_challenges
from daypass.portal.storage.schema.tenants import memberships
from daypass.portal.tenants.model import Tenant, TenantId
from daypass.portal.tenants.store import add_member, add_tenant
from tests.fakes import NOON, FakeClock
from tests.portal.groups import examples
from tests.portal.identity.conftest import person
from tests.portal.identity.external.conftest import events
from tests.portal.identity.provisioning.conftest import ENTRA, OKTA

DANA = WantedUser("Dana@Example.com", "00u-dana")


def wants(**changed: object) -> Callable[[ProvisionedUser], WantedUser]:
    """Return an edit of what the provider said before."""

    def edit(old: ProvisionedUser) -> WantedUser:
        said = WantedUser(old.user_name, old.external_id, None, old.attributes)
        return replace(said, **changed)  # type: ignore[arg-type]  # by name

    return edit


OFF, ON = wants(is_active=False), wants(is_active=True)


def tokens_of(identity: Identity, user: User) -> list[str]:
    """Create a token of every kind, and return the secrets."""
    made = []
    for kind in TokenKind:
        ends = None if kind is TokenKind.PERMANENT else identity.clock() + timedelta(hours=1)
        secret, _ = identity.create_token(user, kind, kind.value, OPERATOR, grant_ends_at=ends)
        made.append(secret.reveal())
    return made


def revoked(database: Database, secrets: list[str]) -> list[bool]:
    with database.reading() as connection:
        found = [TokenStore(connection).find_bearer(digest(secret)) for secret in secrets]
    return [bearer is None or bearer.is_revoked for bearer in found]


def add_pending_requests(database: Database, user: User) -> None:
    later = NOON + timedelta(minutes=5)
    common = {"user_id": user.id, "created_at": NOON, "expires_at": later}
    with database.writing() as connection:
        connection.execute(
            insert(oauth_requests),
            {
                **common,
                "id": "r",
                "client_id": "c",
                "challenge": "c",
                "state": "",
                "wants_admin": False,
                "tenant": "",
                "device": "",
                "version": "",
                "address": "",
                "match_code": "",
                "code_digest": b"code",
            },
        )
        connection.execute(
            insert(sign_in_attempts),
            {
                **common,
                "digest": b"a",
                "provider": "okta",
                "purpose": "link",
                "state_digest": b"s",
                "nonce": "n",
                "verifier": "v",
                "next": "/",
            },
        )
        connection.execute(
            insert(webauthn_challenges),
            {**common, "digest": b"w", "purpose": "register", "challenge": b"c"},
        )
        connection.execute(insert(recovery_links), {**common, "digest": b"l", "created_by": "x"})


def pending_requests(database: Database) -> int:
    with database.reading() as connection:
        return sum(
            connection.scalar(select(func.count()).select_from(table)) or 0
            for table in (oauth_requests, sign_in_attempts, webauthn_challenges, recovery_links)
        )


def groups_of(database: Database, user: User) -> set[str]:
    with database.reading() as connection:
        rows = connection.scalars(select(group_members.c.group_id).where(group_members.c.user_id == user.id))
        return set(rows)


def test_a_new_user_is_a_person_without_a_role(provisioned: ProvisionedUsers, database: Database) -> None:
    made = provisioned.create(DANA, OKTA)

    assert (made.user.username, made.user_name) == ("dana@example.com", "Dana@Example.com")
    assert (made.user.role, made.user.kind) == (Role.USER, UserKind.PERSON)
    assert made.is_active
    assert made.user.id not in {"00u-dana", "1"}
    action, outcome, subject, detail = events(database)[0]
    assert (action, outcome, subject) == ("user.create", "done", "dana@example.com")
    assert (detail["provider"], detail["external_id"]) == ("okta", "00u-dana")


def test_a_taken_name_is_never_taken_over(
    provisioned: ProvisionedUsers, identity: Identity, database: Database
) -> None:
    admin = person(identity, "admin@example.com", Role.ADMINISTRATOR)
    provisioned.create(WantedUser("entra@example.com", "1"), ENTRA)

    for name in ("Admin@Example.com", "entra@example.com"):
        with pytest.raises(AlreadyExists):
            provisioned.create(WantedUser(name, "2"), OKTA)
        action, outcome, subject, detail = events(database)[-1]
        assert (action, outcome, subject) == ("user.create", "denied", name.lower())
        assert (detail["provider"], detail["code"]) == ("okta", "already_there")
    with pytest.raises(UserNotFound):
        provisioned.update(admin.id, OFF, OKTA)
    assert provisioned.all("okta") == []


def test_an_external_id_that_looks_like_an_id_of_the_portal_means_nothing(
    provisioned: ProvisionedUsers, identity: Identity
) -> None:
    admin = person(identity, "admin@example.com", Role.ADMINISTRATOR)

    for number, external_id in enumerate(("1", admin.id, admin.username)):
        made = provisioned.create(WantedUser(f"user{number}@example.com", external_id), OKTA)
        assert made.user.id != admin.id
        assert made.user.role is Role.USER
    assert provisioned.with_external_id("okta", admin.id)[0].user.username == "user1@example.com"


def test_an_external_id_is_that_of_one_user_of_the_provider(provisioned: ProvisionedUsers) -> None:
    provisioned.create(DANA, OKTA)

    with pytest.raises(AlreadyExists):
        provisioned.create(WantedUser("other@example.com", "00u-dana"), OKTA)
    provisioned.create(WantedUser("other@example.com", "00u-dana"), ENTRA)


def test_users_out_of_reach_do_not_exist(
    provisioned: ProvisionedUsers, identity: Identity, database: Database
) -> None:
    local = person(identity, "local@example.com", Role.USER)
    foreign = provisioned.create(WantedUser("foreign@example.com", "1"), ENTRA).user
    protected = provisioned.create(WantedUser("protected@example.com", "2"), OKTA).user
    with database.writing() as connection:
        connection.execute(update(users).where(users.c.id == protected.id).values(is_break_glass=True))

    for user_id in (local.id, foreign.id, protected.id, "none", "\x00"):
        with pytest.raises(UserNotFound):
            provisioned.find("okta", user_id)
        with pytest.raises(UserNotFound):
            provisioned.update(user_id, OFF, OKTA)
        with pytest.raises(UserNotFound):
            provisioned.delete(user_id, OKTA)
    assert provisioned.with_username("okta", "local@example.com") == ()
    assert provisioned.page("okta", 0, 10).total == 0


def test_a_change_increases_the_version_and_an_equal_one_does_not(provisioned: ProvisionedUsers) -> None:
    made = provisioned.create(DANA, OKTA)

    same = provisioned.update(made.user.id, wants(), OKTA)
    other = provisioned.update(made.user.id, wants(user_name="dana.b@example.com"), OKTA, expected=made.tag)

    assert same.tag == made.tag
    assert other.tag != made.tag
    assert other.user.username == "dana.b@example.com"
    with pytest.raises(PreconditionFailed):
        provisioned.update(made.user.id, wants(), OKTA, expected=made.tag)


def test_a_change_to_a_taken_or_invalid_name_is_refused(
    provisioned: ProvisionedUsers, database: Database
) -> None:
    made = provisioned.create(DANA, OKTA)
    provisioned.create(WantedUser("other@example.com", "2"), OKTA)

    with pytest.raises(AlreadyExists):
        provisioned.update(made.user.id, wants(user_name="Other@example.com"), OKTA)
    with pytest.raises(AlreadyExists):
        provisioned.update(made.user.id, wants(external_id="2"), OKTA)
    assert [event[:2] for event in events(database)[-2:]] == [("scim_user.update", "denied")] * 2
    for invalid in ("", "a/b", "operator", "x" * 300):
        with pytest.raises(InvalidRequest):
            provisioned.update(made.user.id, wants(user_name=invalid), OKTA)
    assert provisioned.find("okta", made.user.id) == made


def test_deactivation_ends_everything_at_once_and_reactivation_restores_none_of_it(
    provisioned: ProvisionedUsers, identity: Identity, database: Database
) -> None:
    dana = provisioned.create(DANA, OKTA).user
    secrets = tokens_of(identity, dana)
    add_pending_requests(database, dana)
    claim = replace(examples.PLATFORM, makes_administrators=False)
    tenant = Tenant.with_role(TenantId("dev01-id"), "dev01", "eu-central-1", "arn", None)
    with database.writing() as connection:
        for group in (examples.SCIM, claim, examples.DEVELOPERS):
            examples.add(connection, group, dana)
        add_tenant(tenant, at=NOON).apply(connection)
        add_member(tenant.id, dana.id, READ_ONLY, at=NOON).apply(connection)
    assert pending_requests(database) == 4

    off = provisioned.update(dana.id, OFF, OKTA)

    def assert_nothing_is_left() -> None:
        assert revoked(database, secrets) == [True] * len(TokenKind)
        assert pending_requests(database) == 0
        assert groups_of(database, dana) == set()
        with database.reading() as connection:
            assert connection.scalars(select(memberships.c.tenant_id)).all() == []

    assert not off.is_active
    assert_nothing_is_left()
    recorded = [(action, subject) for action, _, subject, _ in events(database)[-5:]]
    assert sorted(recorded[:4]) == [
        ("group_member.remove", "developers"),
        ("group_member.remove", "platform"),
        ("group_member.remove", "scim"),
        ("membership.remove", "dana@example.com"),
    ]
    assert recorded[4] == ("scim_user.deactivate", "dana@example.com")
    ended = events(database)[-2][3]
    assert (ended["old.tenant"], ended["old.permission_set"]) == ("dev01", "read-only")

    on = provisioned.update(dana.id, ON, OKTA)

    assert on.is_active
    assert_nothing_is_left()
    assert events(database)[-1][:3] == ("scim_user.reactivate", "done", "dana@example.com")


def test_a_refused_deactivation_changes_nothing(
    provisioned: ProvisionedUsers, identity: Identity, database: Database
) -> None:
    dana = provisioned.create(DANA, OKTA).user
    with database.writing() as connection:
        connection.execute(update(users).where(users.c.id == dana.id).values(role=Role.ADMINISTRATOR.value))
    secrets = tokens_of(identity, dana)

    for refused, action in (
        (lambda: provisioned.update(dana.id, OFF, OKTA), "scim_user.deactivate"),
        (lambda: provisioned.delete(dana.id, OKTA), "scim_user.delete"),
    ):
        with pytest.raises(LastAdministrator):
            refused()
        assert events(database)[-1][:2] == (action, "alert")

    assert not any(revoked(database, secrets))
    assert provisioned.find("okta", dana.id).is_active
    person(identity, "admin@example.com", Role.ADMINISTRATOR)
    assert not provisioned.update(dana.id, OFF, OKTA).is_active


def test_a_provider_makes_no_administrator_by_enabling_a_former_one(
    provisioned: ProvisionedUsers, identity: Identity, database: Database
) -> None:
    person(identity, "admin@example.com", Role.ADMINISTRATOR)
    dana = provisioned.create(DANA, OKTA).user
    with database.writing() as connection:
        connection.execute(update(users).where(users.c.id == dana.id).values(role=Role.ADMINISTRATOR.value))

    provisioned.update(dana.id, OFF, OKTA)
    action, outcome, subject, detail = events(database)[-2]
    assert provisioned.update(dana.id, ON, OKTA).user.role is Role.USER

    assert (action, outcome, subject) == ("user.update", "done", "dana@example.com")
    assert (detail["old.role"], detail["new.role"], detail["provider"]) == ("Administrator", "User", "okta")


def test_a_user_without_a_word_about_activity_stays_as_they_are(provisioned: ProvisionedUsers) -> None:
    dana = provisioned.create(DANA, OKTA).user

    assert provisioned.update(dana.id, wants(attributes='{"displayName":"D"}'), OKTA).is_active
    provisioned.update(dana.id, OFF, OKTA)
    assert not provisioned.update(dana.id, wants(attributes="{}"), OKTA).is_active


def test_a_provider_enables_only_whom_it_disabled(
    provisioned: ProvisionedUsers, database: Database, clock: FakeClock
) -> None:
    dana = provisioned.create(DANA, OKTA).user
    with database.writing() as connection:
        connection.execute(update(users).where(users.c.id == dana.id).values(disabled_at=NOON))
    clock.move(timedelta(minutes=1))

    assert not provisioned.update(dana.id, ON, OKTA).is_active
    provisioned.update(dana.id, OFF, OKTA)
    assert not provisioned.update(dana.id, ON, OKTA).is_active


def test_a_user_whom_an_administrator_enabled_is_disabled_again(
    provisioned: ProvisionedUsers, database: Database
) -> None:
    dana = provisioned.create(replace(DANA, is_active=False), OKTA).user
    with database.writing() as connection:
        connection.execute(update(users).where(users.c.id == dana.id).values(disabled_at=None))

    assert not provisioned.update(dana.id, OFF, OKTA).is_active


def test_the_tag_changes_when_an_administrator_disables_the_user(
    provisioned: ProvisionedUsers, database: Database
) -> None:
    made = provisioned.create(DANA, OKTA)
    with database.writing() as connection:
        connection.execute(update(users).where(users.c.id == made.user.id).values(disabled_at=NOON))

    assert provisioned.find("okta", made.user.id).tag != made.tag


def test_a_deleted_user_is_disabled_and_the_name_begins_anew(
    provisioned: ProvisionedUsers, identity: Identity, database: Database
) -> None:
    dana = provisioned.create(DANA, OKTA).user
    secrets = tokens_of(identity, dana)

    provisioned.delete(dana.id, OKTA)

    assert all(revoked(database, secrets))
    with pytest.raises(UserNotFound):
        provisioned.find("okta", dana.id)
    with database.reading() as connection:
        row = connection.execute(select(users).where(users.c.id == dana.id)).one()
    assert row.disabled_at is not None
    again = provisioned.create(DANA, OKTA)
    assert again.user.id != dana.id
    assert again.is_active


def test_a_deactivated_user_cannot_sign_in_with_a_session_from_before(
    provisioned: ProvisionedUsers, identity: Identity, browser_sessions: BrowserSessions
) -> None:
    dana = provisioned.create(DANA, OKTA).user
    ends = identity.clock() + timedelta(hours=1)
    cookie, _ = identity.create_token(dana, TokenKind.BROWSER, "x", OPERATOR, grant_ends_at=ends)
    assert browser_sessions.find(cookie.reveal())

    provisioned.update(dana.id, OFF, OKTA)

    with pytest.raises(SignInAgain):
        browser_sessions.find(cookie.reveal())
