"""Fixtures: a provider that provisions users, on a real database with a real audit log."""

import pytest

from daypass.portal.audit.committer import Committer
from daypass.portal.identity.provisioning.model import Provisioner
from daypass.portal.identity.provisioning.tokens import ScimTokens
from daypass.portal.identity.provisioning.users import ProvisionedUsers
from daypass.portal.storage.engine import Database
from tests.fakes import FakeClock
from tests.fixtures.database import database_url

__all__ = ["database_url"]

OKTA = Provisioner("okta", "a-token", "192.0.2.1", "r")
ENTRA = Provisioner("entra", "another-token", "192.0.2.2", "r")


@pytest.fixture
def provisioned(database: Database, committer: Committer, clock: FakeClock) -> ProvisionedUsers:
    return ProvisionedUsers(database, committer, clock)


@pytest.fixture
def scim_tokens(database: Database, committer: Committer, clock: FakeClock) -> ScimTokens:
    return ScimTokens(database, committer, clock)
