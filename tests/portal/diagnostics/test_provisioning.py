"""The findings of the doctor on the tokens of identity providers that provision."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from daypass.portal.audit.committer import Committer
from daypass.portal.config.providers import GroupSource, ProviderConfig
from daypass.portal.diagnostics.finding import Finding, Level
from daypass.portal.diagnostics.provisioning import ProvisioningDoctor
from daypass.portal.identity.provisioning.tokens import ScimTokens
from daypass.portal.storage.engine import Database
from tests.fakes import FakeClock
from tests.portal.http.world import PUBLIC_URL, portal_config
from tests.portal.processes import Operator

OKTA = ProviderConfig("okta", "https://okta.example.com", "daypass", groups=GroupSource.SCIM)
CLAIMS = ProviderConfig("claims", "https://claims.example.com", "daypass", groups=GroupSource.CLAIM)
DAY = timedelta(days=1)

Story = Callable[[ScimTokens, FakeClock], object]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@contextmanager
def scim_tokens(database: Database, clock: FakeClock) -> Iterator[ScimTokens]:
    committer = Committer(database, clock)
    yield ScimTokens(database, committer, clock)
    committer.close()


def findings(database: Database, clock: FakeClock) -> Sequence[Finding]:
    config = replace(portal_config("sqlite:///x"), providers=(OKTA, CLAIMS), stated_public_url=PUBLIC_URL)
    return list(ProvisioningDoctor(config, database, clock).examine())


def created(tokens: ScimTokens, _clock: FakeClock) -> str:
    return tokens.create("okta").reveal()


def used(tokens: ScimTokens, clock: FakeClock) -> str:
    secret = created(tokens, clock)
    tokens.authenticate(secret)
    return secret


def used_long_ago(tokens: ScimTokens, clock: FakeClock) -> None:
    used(tokens, clock)
    clock.move(31 * DAY)


def revoked_after_use(tokens: ScimTokens, clock: FakeClock) -> None:
    used(tokens, clock)
    clock.move(DAY)
    tokens.create("okta", revokes_others=True)


def second_never_used(tokens: ScimTokens, clock: FakeClock) -> None:
    old = used(tokens, clock)
    created(tokens, clock)
    clock.move(2 * DAY)
    tokens.authenticate(old)


def second_just_made(tokens: ScimTokens, clock: FakeClock) -> None:
    used(tokens, clock)
    clock.move(DAY)
    created(tokens, clock)


def replaced_and_not_revoked(tokens: ScimTokens, clock: FakeClock) -> None:
    used(tokens, clock)
    clock.move(timedelta(minutes=1))
    new = used(tokens, clock)
    clock.move(2 * DAY)
    tokens.authenticate(new)


def being_replaced(tokens: ScimTokens, clock: FakeClock) -> None:
    used(tokens, clock)
    clock.move(timedelta(minutes=1))
    used(tokens, clock)


STORIES: Mapping[Story, tuple[Level, str]] = {
    lambda *_: None: (Level.WARNING, "has no valid token"),
    created: (Level.WARNING, "No valid token of it was ever used"),
    used: (Level.FINE, "last call by SCIM was on 2026-11-24"),
    used_long_ago: (Level.WARNING, "last call by SCIM was on 2026-11-24. If users were changed"),
    revoked_after_use: (Level.WARNING, "with a token that was revoked, was on 2026-11-24"),
    second_never_used: (Level.WARNING, "of 2026-11-24 was never used, while another one is in use"),
    second_just_made: (Level.FINE, "last call"),
    replaced_and_not_revoked: (Level.WARNING, "was last used on 2026-11-24, while another one"),
    being_replaced: (Level.FINE, "last call"),
}


@pytest.mark.parametrize(
    ("story", "level", "says"), [(story, *expected) for story, expected in STORIES.items()]
)
def test_the_tokens_of_a_provider_that_provisions_are_checked(
    sqlite_url: str, clock: FakeClock, story: Story, level: Level, says: str
) -> None:
    database = Database(sqlite_url)
    with scim_tokens(database, clock) as tokens:
        story(tokens, clock)

    found = findings(database, clock)
    database.close()

    worst = min(found, key=lambda finding: finding.level is Level.FINE)
    assert (worst.level, says in worst.sentence) == (level, True), found
    assert {finding.subject for finding in found} == {"identity provider okta"}
    assert (worst.patch == "daypass portal scim-token okta") == ("no valid token" in worst.sentence)


def test_a_valid_token_of_a_provider_that_provisions_no_more_is_a_finding(
    database: Database, clock: FakeClock
) -> None:
    with scim_tokens(database, clock) as tokens:
        tokens.authenticate(tokens.create("claims").reveal())

    (finding,) = (each for each in findings(database, clock) if "claims" in each.subject)

    assert (finding.level, "revoke it" in finding.sentence) == (Level.WARNING, True)


def test_the_command_prints_them(operator: Operator) -> None:
    provider = {
        "DAYPASS_PROVIDER_OKTA_ISSUER": "https://okta.invalid",
        "DAYPASS_PROVIDER_OKTA_CLIENT_ID": "daypass",
        "DAYPASS_PROVIDER_OKTA_GROUPS": "scim",
    }

    ended = operator.run_inside("doctor", "--format", "json", **provider)

    (finding,) = (each for each in json.loads(ended.stdout)["findings"] if each["code"] == "provider_scim")
    assert "no valid token" in finding["sentence"]
