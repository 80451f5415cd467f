"""The demo's identity provider: the portal's configuration for it, and the links of its people."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from daypass.demo.identity_provider.settings import read
from daypass.demo.processes import ProcessGroup
from daypass.demo.provider import NAME, people, start_provider
from daypass.demo.saved_state import SavedState
from daypass.demo.seed.fixtures import CI, GROUPS
from daypass.demo.seed.identities import link_people
from daypass.demo.seed.portal import database_url, seed_portal
from daypass.demo.seed.provisioning import provision_people
from daypass.demo.signals import SignalGuard
from daypass.demo.state_dir import StateDirectory
from daypass.portal.audit.committer import Committer
from daypass.portal.config.providers import GroupSource
from daypass.portal.config.reader import read_config
from daypass.portal.groups.store import GroupStore
from daypass.portal.identity.external.store.identities import ExternalIdentityStore
from daypass.portal.identity.provisioning.store.users import ProvisionedUserStore
from daypass.portal.identity.provisioning.tokens import ScimTokens
from daypass.portal.identity.store.users import UserStore
from daypass.portal.storage.engine import Database

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
ISSUER = "http://127.0.0.1:8444"


def test_portal_and_provider_are_configured_alike(tmp_path: Path) -> None:
    folder, portal_url = StateDirectory(tmp_path), "https://localhost:8443"
    with ProcessGroup(folder, SignalGuard()) as processes:
        # The port is never used: the process is stopped before it serves.
        provider = start_provider(folder, processes, 8444, portal_url, tmp_path / "ca.pem")
    config = read_config({"DAYPASS_AWS_REGION": "us-east-1", **provider.variables})

    (configured,) = config.providers
    settings = read(tmp_path / "provider.json")
    assert (configured.name, configured.issuer) == (NAME, settings.issuer)
    assert (configured.client_id, configured.client_secret) == (settings.client.id, settings.client.secret)
    assert configured.groups is GroupSource.CLAIM
    assert settings.client.redirect_uri == f"{portal_url}/sign-in/oidc/{NAME}/callback"
    secret = (tmp_path / "provider-client-secret").read_text()
    assert secret not in str(provider.variables)


def test_a_demo_with_scim_has_a_token_that_reaches_people_but_not_the_administrator(
    seeded: tuple[StateDirectory, SavedState], tmp_path: Path
) -> None:
    folder = seeded[0]
    with ProcessGroup(folder, SignalGuard()) as processes:
        provider = start_provider(
            folder, processes, 8444, "https://localhost:8443", tmp_path / "ca.pem", has_scim=True
        )
    config = read_config({"DAYPASS_AWS_REGION": "us-east-1", **provider.variables})
    tokens = [provision_people(database_url(folder), NAME, people(), lambda: NOW) for _ in range(2)]

    assert config.providers[0].groups is GroupSource.SCIM
    database = Database(database_url(folder))
    committer = Committer(database, lambda: NOW)
    scim = ScimTokens(database, committer, lambda: NOW)
    assert {scim.authenticate(token.reveal()).provider for token in tokens} == {NAME}
    with database.reading() as connection:
        found = {each.user.username for each in ProvisionedUserStore(connection, NAME).all()}
    committer.close()
    database.close()
    assert found == {"dana@example.com", "noor@example.com"}


def test_service_accounts_are_no_people() -> None:
    assert {person.username for person in people()} == {
        "admin@example.com",
        "dana@example.com",
        "noor@example.com",
    }
    assert CI.is_service_account


@pytest.fixture
def seeded(tmp_path: Path) -> Iterator[tuple[StateDirectory, SavedState]]:
    """A state folder with a seeded database."""
    folder = StateDirectory(tmp_path)
    yield (
        folder,
        seed_portal(folder, "111122223333", "https://localhost:8443", lambda: NOW, has_history=False),
    )


def test_each_person_is_linked_once(seeded: tuple[StateDirectory, SavedState]) -> None:
    url = database_url(seeded[0])
    for _ in range(2):
        link_people(url, NAME, ISSUER, people(), lambda: NOW)

    database = Database(url)
    with database.reading() as connection:
        for person in people():
            owner = ExternalIdentityStore(connection).find_owner(NAME, ISSUER, person.subject)
            assert owner is not None
            assert owner.user.username == person.username
        dana = UserStore(connection).find("dana@example.com")
        assert dana is not None
        assert len(ExternalIdentityStore(connection).list_for(dana.id)) == 1
    database.close()


def test_every_group_of_a_person_is_a_group_of_the_portal(seeded: tuple[StateDirectory, SavedState]) -> None:
    folder, saved = seeded
    database = Database(database_url(folder))
    with database.reading() as connection:
        groups = GroupStore(connection).with_claims(NAME, GROUPS)
    database.close()

    assert {group for person in people() for group in person.groups} <= GROUPS.keys()
    assert {group.external_id for group in groups} == GROUPS.keys()
    assert {tenant for memberships in GROUPS.values() for tenant in memberships} <= saved.tenants.keys()
