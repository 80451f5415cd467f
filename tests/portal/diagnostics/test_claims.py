"""The check of a person's claims: it says what a sign-in would do, and does nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import pytest
from sqlalchemy import select, update

from daypass.portal.audit.committer import Committer
from daypass.portal.config.providers import GroupSource, ProviderConfig
from daypass.portal.diagnostics.claims import ClaimsDoctor
from daypass.portal.diagnostics.finding import Level
from daypass.portal.errors import PortalError
from daypass.portal.groups.store import add_group_member, add_group_membership
from daypass.portal.groups.synchronisation import GroupSynchronisation
from daypass.portal.identity.external.accounts import ExternalAccounts
from daypass.portal.identity.external.model import ExternalIdentity
from daypass.portal.identity.external.store.identities import add_identity
from daypass.portal.identity.model import Role, User, UserId, UserKind
from daypass.portal.identity.providers.base import SignInContext
from daypass.portal.identity.providers.oidc.model import Authentication
from daypass.portal.identity.provisioning.model import Provisioner, WantedUser
from daypass.portal.identity.provisioning.users import ProvisionedUsers
from daypass.portal.identity.store.users import add_user
from daypass.portal.permission_sets.model import READ_ONLY
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema import metadata
from daypass.portal.storage.schema.identity import users
from daypass.portal.tenants.model import GroupId
from daypass.portal.tenants.store import TenantStore
from tests.fakes import NOON, FakeClock
from tests.portal.groups.examples import PLATFORM, add
from tests.portal.http.world import DEV

OKTA = ProviderConfig("okta", "https://okta.example.com", "daypass", label="Okta")
ANN = User(UserId("a1" * 16), "ann@example.com", Role.USER, UserKind.PERSON)
BEN = User(UserId("be" * 16), "ben@example.com", Role.USER, UserKind.PERSON)
GROUPS = {"groups": GroupSource.CLAIM}


@dataclass(slots=True)
class Portal:
    """A portal with the linked user Ann, and Ben, who never signed in."""

    database: Database
    clock: FakeClock = field(default_factory=FakeClock)

    def check(self, subject: str, claims: Mapping[str, object], **changes: object) -> Mapping[str, str]:
        """Return the level and the sentence of the findings, by code; it must have changed nothing."""
        before = self.rows()
        config = replace(OKTA, **changes)  # type: ignore[arg-type]  # by name
        findings = ClaimsDoctor(self.database, self.clock).examine(config, authentication(subject, claims))
        assert self.rows() == before
        found: dict[str, str] = {}
        for each in findings:
            line = f"{each.level.value}: {each.sentence}"
            code = each.code.removeprefix("claims_")
            found[code] = f"{found[code]}\n{line}" if code in found else line
        return found

    def sign_in(self, subject: str, claims: Mapping[str, object], **changes: object) -> str:
        """Return the name of the user whom a real sign-in gives, or the reason of its refusal."""
        committer = Committer(self.database, self.clock)
        groups = GroupSynchronisation(self.database, committer, self.clock)
        accounts = ExternalAccounts.of(self.database, committer, self.clock, groups.changes_of_sign_in)
        config = replace(OKTA, **changes)  # type: ignore[arg-type]  # by name
        try:
            proven = accounts.prove(config, authentication(subject, claims), SignInContext("", ""))
        except PortalError as refusal:
            return refusal.reason
        finally:
            committer.close()
        return proven.record.user.username

    def rows(self) -> Mapping[str, object]:
        """Return the content of every table."""
        with self.database.reading() as connection:
            return {table.name: connection.execute(select(table)).all() for table in metadata.sorted_tables}


def authentication(subject: str, claims: Mapping[str, object]) -> Authentication:
    return Authentication(
        OKTA.issuer, subject, {"sub": subject, **claims}, NOON, "", (), None, Secret("x"), NOON
    )


@pytest.fixture
def portal(sqlite_url: str) -> Iterator[Portal]:
    database = Database(sqlite_url)
    with database.writing() as connection:
        for user in (ANN, BEN):
            add_user(user, None, at=NOON).apply(connection)
        add_identity(ExternalIdentity("okta", OKTA.issuer, "00u-ann", ANN.id, NOON)).apply(connection)
        TenantStore(connection).add(DEV, NOON)
        add(connection, PLATFORM)
        add_group_membership(PLATFORM.id, DEV.id, READ_ONLY, None, at=NOON).apply(connection)
    yield Portal(database)
    database.close()


VERIFIED = {"email": "ben@example.com", "email_verified": True}
BY_EMAIL = {"links_by_email": True, "email_domains": frozenset({"example.com"})}


@pytest.mark.parametrize(
    ("subject", "claims", "changes", "says"),
    [
        ("00u-ann", {}, {}, "fine: A sign-in finds “ann@example.com”, to whom the account is linked"),
        ("00u-ben", {}, {}, "error: A sign-in is refused: Your account at Okta has no access here yet."),
        (
            "00u-ben",
            VERIFIED,
            BY_EMAIL,
            "fine: A sign-in links the account to “ben@example.com”, by the verified e-mail address",
        ),
        ("00u-ben", {**VERIFIED, "email_verified": "true"}, BY_EMAIL, "error: A sign-in is refused: Only"),
        (
            "00u-new",
            {"preferred_username": "new@example.com"},
            {"creates_users": True},
            "fine: A sign-in creates the user “new@example.com” (role User)",
        ),
        (
            "00u-new",
            {"preferred_username": "ann@example.com"},
            {"creates_users": True},
            "error: A sign-in is refused: A user “ann@example.com” exists already",
        ),
        ("00u-new", {}, {"creates_users": True}, "error: A sign-in is refused: Okta sends no usable claim"),
    ],
)
def test_the_check_names_the_user_or_the_refusal_of_a_sign_in_that_follows(
    portal: Portal,
    subject: str,
    claims: Mapping[str, object],
    changes: Mapping[str, object],
    says: str,
) -> None:
    found = portal.check(subject, claims, **changes)["account"]

    assert says in found
    assert portal.sign_in(subject, claims, **changes) in found


def test_a_disabled_user_is_an_error(portal: Portal) -> None:
    with portal.database.writing() as connection:
        connection.execute(update(users).where(users.c.id == ANN.id).values(disabled_at=NOON))

    found = portal.check("00u-ann", {})["account"]

    assert (
        found == "error: The account is linked to “ann@example.com”, who is disabled: a sign-in is refused."
    )


def test_a_sign_in_that_would_end_the_last_way_in_is_an_error(portal: Portal) -> None:
    with portal.database.writing() as connection:
        add_group_member(PLATFORM.id, ANN.id, at=NOON).apply(connection)

    found = portal.check("00u-ann", {"groups": ["sales"]}, **GROUPS)["groups"]

    assert "error: A sign-in is refused: " in found
    assert portal.sign_in("00u-ann", {"groups": ["sales"]}, **GROUPS) in found


def test_a_user_whom_the_provider_made_is_found_by_the_external_id(portal: Portal) -> None:
    committer = Committer(portal.database, portal.clock)
    made = ProvisionedUsers(portal.database, committer, portal.clock)
    made.create(WantedUser("cleo@example.com", "00u-cleo"), Provisioner("okta", "a-token"))
    committer.close()
    scim = {"groups": GroupSource.SCIM, "sends_id_token_hint": True}

    assert (
        "links the account to “cleo@example.com”, whom the provider made"
        in portal.check("00u-cleo", {}, **scim)["account"]
    )
    missing = portal.check("x", {}, **scim, external_id_claim="oid")["claims"]
    assert "warning: The claim “oid” was not sent; it is the externalId of SCIM." in missing


def test_the_groups_that_the_claim_names_are_shown_with_their_effect(portal: Portal) -> None:
    claims = {"groups": ["daypass-platform", "sales"]}

    found = portal.check("00u-ann", claims, **GROUPS)["groups"]

    assert "fine: “daypass-platform” is the group platform: it gives dev01 (read-only), and makes" in found
    assert "fine: No group here has these values of the claim “groups”: “sales”." in found


def test_the_groups_are_shown_for_an_account_without_access_too(portal: Portal) -> None:
    found = portal.check("00u-x", {"groups": ["daypass-platform"]}, **GROUPS)

    assert found["account"].startswith("error")
    assert "is the group platform" in found["groups"]


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        ({}, "error: A sign-in is refused: Okta did not send the claim “groups”"),
        ({"_claim_names": {"groups": "src1"}}, "error: A sign-in is refused: Okta did not send your groups"),
        (
            {"groups": "daypass-platform"},
            "error: A sign-in is refused: Okta sent the claim “groups” in another",
        ),
        ({"groups": []}, "warning: The claim “groups” is an empty list"),
        ({"groups": ["sales"]}, "warning: No group here has"),
    ],
)
def test_a_claim_of_groups_that_a_sign_in_cannot_use_is_a_finding(
    portal: Portal, claims: Mapping[str, object], says: str
) -> None:
    assert portal.check("00u-ann", claims, **GROUPS)["groups"].startswith(says)


def test_control_characters_of_claims_reach_no_terminal(portal: Portal) -> None:
    found = portal.check("00u-ann", {"groups": ["\x1b[2Jsales", "\ud800"], "\x9b2J": 1}, **GROUPS)

    assert "sales" in found["groups"]
    assert "\n".join(found.values()).replace("\n", "").isprintable()


def test_the_groups_that_a_sign_in_would_end_are_a_finding(portal: Portal) -> None:
    with portal.database.writing() as connection:
        readers = replace(
            PLATFORM, id=GroupId("c1" * 16), name="readers", external_id="r", makes_administrators=False
        )
        add(connection, readers, ANN)

    found = portal.check("00u-ann", {"groups": []}, **GROUPS)["groups"]

    assert "warning: A sign-in takes “ann@example.com” out of readers." in found


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        ({}, "warning: The claim “email” was not sent"),
        ({"email": "ben@example.com"}, "warning: The claim “email_verified” was not sent"),
        ({"email": "ben@example.com", "email_verified": "true"}, "warning: The claim “email_verified” is no"),
        (
            {"email": "ben@example.com", "email_verified": False},
            "warning: The claim “email_verified” is false",
        ),
        (VERIFIED, "fine: The e-mail address is verified, and of example.com."),
    ],
)
def test_an_address_that_does_not_count_is_a_finding_if_a_rule_reads_it(
    portal: Portal, claims: Mapping[str, object], says: str
) -> None:
    assert portal.check("00u-ben", claims, **BY_EMAIL)["email"].startswith(says)
    assert "email" not in portal.check("00u-ben", claims)


def test_no_value_but_those_of_rules_is_shown(portal: Portal) -> None:
    claims = {
        "phone_number": "canary-1",
        "email": "canary@example.com",
        "groups": ["sales"],
        "nonce": "canary",
    }

    found = portal.check("00u-ann", claims, **GROUPS)

    assert "phone_number" in found["claims"]
    assert "canary" not in str(found)


def test_a_missing_time_of_authentication_is_a_finding(portal: Portal) -> None:
    doctor = ClaimsDoctor(portal.database, portal.clock)

    findings = doctor.examine(OKTA, replace(authentication("00u-ann", {}), authenticated_at=None))

    (finding,) = (each for each in findings if each.code == "claims_auth_time")
    assert finding.level is Level.WARNING
