"""Fixtures: a portal to which one identity provider provisions, and its token."""

from collections.abc import Iterator

import pytest

from daypass.portal.config.providers import GroupSource, ProviderConfig
from daypass.portal.identity.provisioning.tokens import ScimTokens
from tests.portal.http.scim.provider import Provider
from tests.portal.http.world import World
from tests.portal.http.world import world as make_world

OKTA = ProviderConfig("okta", "https://okta.example.com", "daypass", groups=GroupSource.SCIM)
CLAIMS = ProviderConfig("claims", "https://claims.example.com", "daypass", groups=GroupSource.CLAIM)


@pytest.fixture
def scim_world(sqlite_url: str) -> Iterator[World]:
    with make_world(sqlite_url, providers=(OKTA, CLAIMS)) as new_world:
        yield new_world


@pytest.fixture
def okta(scim_world: World) -> Provider:
    return provider(scim_world, "okta")


def provider(world: World, name: str) -> Provider:
    """Return a provider with a new token."""
    tokens = ScimTokens(world.database, world.committer, world.clock)
    return Provider(world.client(), tokens.create(name).reveal())
