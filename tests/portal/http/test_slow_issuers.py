"""Issuers that do not answer hold threads of their own requests only."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from threading import Event

import pytest
from sqlalchemy import select

from daypass.portal.audit.event import OPERATOR
from daypass.portal.identity.external.claims_checks import ClaimsChecks
from daypass.portal.identity.model import TokenKind
from daypass.portal.identity.providers.base import RedirectProvider
from daypass.portal.identity.providers.oidc.model import AuthorizationRequest
from daypass.portal.storage.schema.identity import guesses
from daypass.portal.workloads.exchange import failures_from
from tests.fakes import FakeOidcProvider
from tests.fixtures.ci_issuer import ci_issuer
from tests.portal.http.client import PEER, Answer
from tests.portal.http.oauth.test_token_exchange import exchange
from tests.portal.http.pages.test_administrator import Browser
from tests.portal.http.workload_rules import rule_of, stored
from tests.portal.http.world import DANA, PUBLIC_URL, World
from tests.portal.http.world import world as make_world
from tests.waiting import wait_until

THREADS = 4
"""The threads of each pool in the portal of tests."""


@contextmanager
def waiting(send: Callable[[], Answer], is_full: Callable[[], bool], release: Event) -> Iterator[None]:
    """Keep as many requests as a pool has threads waiting, and check that none of them ends before."""
    with ThreadPoolExecutor(THREADS) as pool:
        slow = [pool.submit(send) for _ in range(THREADS)]
        try:
            wait_until(is_full)
            yield
            assert not any(each.done() for each in slow), "The other requests waited for the slow ones."
        finally:
            release.set()
        assert {each.result().status for each in slow} <= {HTTPStatus.OK, HTTPStatus.SEE_OTHER}


def test_a_slow_issuer_of_workloads_delays_no_other_request(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = Event()
    with ci_issuer() as issuer, make_world(sqlite_url, workload_issuers=(issuer.url,)) as world:
        issuer.clock = world.clock
        stored(world, rule_of(world, issuer.url))
        reply = issuer.reply

        def late(method: str, target: str, authorization: str) -> tuple[HTTPStatus, object]:
            release.wait(30)
            return reply(method, target, authorization)

        monkeypatch.setattr(issuer, "reply", late)

        def attempts() -> int:
            with world.database.reading() as connection:
                spent = select(guesses.c.spent).where(guesses.c.subject == failures_from(PEER).subject)
                return connection.scalar(spent) or 0

        with waiting(
            lambda: exchange(world, issuer.mint(PUBLIC_URL)), lambda: attempts() == THREADS, release
        ):
            answers_others(world)


@pytest.mark.parametrize("page", ["", "/check"])
def test_a_slow_identity_provider_delays_no_other_request(sqlite_url: str, page: str) -> None:
    release = Event()
    asked: list[None] = []

    class SlowProvider(FakeOidcProvider):
        def authorization_request(self, *words: object, **more: object) -> AuthorizationRequest:
            asked.append(None)
            release.wait(30)
            return super().authorization_request(*words, **more)  # type: ignore[arg-type]  # as it was called

    provider: RedirectProvider = SlowProvider()
    with make_world(sqlite_url, redirect_providers=lambda _database: [provider]) as world:
        check_id = ClaimsChecks(world.database, world.clock).begin(provider.name)
        path, query = f"/sign-in/oidc/{provider.name}{page}", f"id={check_id}"
        with waiting(lambda: world.client().get(path, query=query), lambda: len(asked) == THREADS, release):
            answers_others(world)


@pytest.mark.parametrize("path", ["/confirm", "/sign-out", "/sign-in-methods/link"])
def test_the_slow_provider_of_a_session_delays_no_other_request(sqlite_url: str, path: str) -> None:
    release = Event()
    asked: list[None] = []

    class SlowProvider(FakeOidcProvider):
        def authorization_request(self, *words: object, **more: object) -> AuthorizationRequest:
            asked.append(None)
            release.wait(30)
            return super().authorization_request(*words, **more)  # type: ignore[arg-type]  # as it was called

        def end_session_url(self, **more: object) -> str | None:
            asked.append(None)
            release.wait(30)
            return super().end_session_url(**more)  # type: ignore[arg-type]  # as it was called

    provider: RedirectProvider = SlowProvider()
    with make_world(sqlite_url, redirect_providers=lambda _database: [provider]) as world:
        sessions = [session_of(world, provider) for _ in range(THREADS)]

        def send() -> Answer:
            session = sessions.pop()
            if path == "/confirm":
                return session.client.get(path, headers=session.headers())
            return session.send(path, provider=provider.name)

        with waiting(send, lambda: len(asked) == THREADS, release):
            answers_others(world)


def session_of(world: World, provider: RedirectProvider) -> Browser:
    """Return a browser in which dana has just signed in at the provider."""
    ends, user = world.clock() + timedelta(hours=12), world.users[DANA]
    token = world.identity.new_token(
        user, TokenKind.BROWSER, "", expires_at=ends, grant_ends_at=ends, authenticated_at=world.clock()
    )
    token = replace(token, provider=provider.name)
    return Browser(world.client(), world.identity.add_token(token, user, OPERATOR).reveal())


def answers_others(world: World) -> None:
    """Check that an API call, a page and a refresh of a token are answered."""
    client = world.client()
    assert client.get("/api/v1/me", world.tokens[DANA]).status == 200
    assert client.get("/sign-in").status == 200
    form = [("Content-Type", "application/x-www-form-urlencoded")]
    unknown = b"grant_type=refresh_token&refresh_token=daypass_rft_unknown"
    assert client.send("POST", "/oauth/token", headers=form, body=unknown).status == 400
