"""Replicas of the release before scopes were stored, beside this one: each reads what the other writes."""

import json
from dataclasses import replace

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select, text, update

from daypass.portal.errors import InsufficientScope
from daypass.portal.identity.model import TokenKind
from daypass.portal.identity.oauth.model import RequestId, TokenGrant
from daypass.portal.identity.oauth.sealing import Sealing
from daypass.portal.identity.scopes import (
    ADMIN_SCOPE,
    TENANTS_AND_ADMIN,
    TENANTS_ONLY,
    Scopes,
    consented_scopes,
)
from daypass.portal.identity.store.tokens import end_administration
from daypass.portal.identity.token_scopes import require_scope
from daypass.portal.storage.schema.identity import api_tokens, oauth_requests
from tests.portal.identity.oauth.conftest import PARAMETERS, World

each_consent = pytest.mark.parametrize("scopes", [TENANTS_ONLY, TENANTS_AND_ADMIN])


def flags(world: World) -> set[tuple[bool, str | None]]:
    """Return what the columns of all tokens of the command line say: the flag, and the list."""
    c = api_tokens.c
    with world.database.reading() as connection:
        rows = connection.execute(
            select(c.allows_admin, c.scopes).where(c.kind.in_([TokenKind.CLI.value, TokenKind.REFRESH.value]))
        )
        return {(row.allows_admin, row.scopes) for row in rows}


def scopes_of(world: World, granted: TokenGrant) -> Scopes:
    return world.identity.authenticate(granted.access.reveal())[0].scopes


@each_consent
def test_the_previous_release_reads_the_flags_of_new_rows(world: World, scopes: Scopes) -> None:
    with_admin = scopes == TENANTS_AND_ADMIN
    granted = world.granted(world.admin, admin=with_admin)

    assert flags(world) == {(with_admin, "tenants admin" if with_admin else "tenants")}
    with world.database.reading() as connection:
        rows = connection.execute(select(oauth_requests.c.wants_admin, oauth_requests.c.scopes))
        assert [tuple(row) for row in rows] == [(with_admin, "tenants admin" if with_admin else "tenants")]
    assert scopes_of(world, granted) == scopes


@each_consent
def test_rows_of_the_previous_release_are_read_by_their_flags(world: World, scopes: Scopes) -> None:
    browser = world.browser(world.admin)
    request = world.shown(browser, replace(PARAMETERS, scopes=scopes))
    granted = world.granted(world.admin, admin=scopes == TENANTS_AND_ADMIN)
    with world.database.writing() as connection:
        connection.execute(update(api_tokens).values(scopes=None))
        connection.execute(update(oauth_requests).values(scopes=None))

    seen = world.consents.show(request.id, browser.token, browser.user)
    assert seen.parameters.scopes == scopes
    assert scopes_of(world, granted) == scopes
    assert world.grants.refresh(granted.refresh, "", "refresh").access_token.scopes == scopes


def test_administration_that_the_previous_release_takes_away_is_gone(world: World) -> None:
    granted = world.granted(world.admin, admin=True)
    with world.database.writing() as connection:
        # The statement of that release, which knows no list of scopes.
        connection.execute(
            text(
                "UPDATE api_tokens SET reauthentication_exempt = false, allows_admin = false "
                "WHERE user_id = :owner AND (reauthentication_exempt OR allows_admin)"
            ),
            {"owner": world.admin.id},
        )

    token = world.identity.authenticate(granted.access.reveal())[0]
    assert token.scopes == TENANTS_ONLY
    with pytest.raises(InsufficientScope):
        require_scope(token, ADMIN_SCOPE)
    refreshed = world.grants.refresh(granted.refresh, "", "refresh")
    assert refreshed.access_token.scopes == TENANTS_ONLY
    assert (False, "tenants") in flags(world)


def test_taking_administration_away_changes_the_flag_and_the_list(world: World) -> None:
    granted = world.granted(world.admin, admin=True)

    with world.database.writing() as connection:
        end_administration(world.admin.id).apply(connection)

    assert flags(world) == {(False, "tenants")}
    assert scopes_of(world, granted) == TENANTS_ONLY


def sealed_values(world: World, scopes: Scopes) -> tuple[Fernet, list[object]]:
    """Return the cipher of sealed requests, and the values in one of them."""
    sealing = Sealing(world.database, world.clock)
    reference = sealing.seal(replace(PARAMETERS, scopes=scopes), "BCDF-GHJK", world.clock())
    cipher = sealing.key.cipher()
    return cipher, json.loads(cipher.decrypt(reference.encode() + b"=" * (-len(reference) % 4)))


@each_consent
def test_the_previous_release_opens_a_sealed_request(world: World, scopes: Scopes) -> None:
    values = sealed_values(world, scopes)[1]

    # It unpacks eleven values, and takes the truth of the fifth for the consent to administration.
    assert len(values) == 11
    assert values[4] is (scopes == TENANTS_AND_ADMIN)


@each_consent
@pytest.mark.parametrize("is_list", [False, True])
def test_a_request_that_another_release_sealed_is_opened(world: World, scopes: Scopes, is_list: bool) -> None:
    cipher, values = sealed_values(world, TENANTS_ONLY)
    with_admin = scopes == TENANTS_AND_ADMIN
    values[4] = ("tenants admin" if with_admin else "tenants") if is_list else with_admin
    reference = RequestId(cipher.encrypt(json.dumps(values).encode()).decode().rstrip("="))

    opened = world.opened(reference)

    assert opened.parameters.scopes == consented_scopes(with_admin=with_admin)
