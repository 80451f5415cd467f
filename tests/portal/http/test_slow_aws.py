"""While AWS does not answer for one tenant, other requests and the probes are served as before."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from threading import Event
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from daypass.portal.http.core.routing import ExactRoute
from daypass.portal.http.layout.csrf import FIELD, csrf_token
from daypass.portal.identity.model import TokenKind
from daypass.portal.storage.schema.access import issuances
from tests.portal.http.client import Answer, Client
from tests.portal.http.world import ADMIN, DANA, DEV, PUBLIC_URL, World

CALLERS = 60


@pytest.fixture
def gate(quick_world: World) -> Iterator[Event]:
    """An event that blocks AWS calls for dev01 until it is set."""
    gate = quick_world.broker.silent[DEV.target.role_arn] = Event()
    yield gate
    gate.set()


@dataclass(frozen=True, slots=True)
class Browser:
    """A signed-in browser."""

    client: Client
    cookie: str

    async def show(self, path: str, query: str = "") -> Answer:
        """Open a page."""
        cookies = f"__Host-daypass={self.cookie}; __Host-daypass_tenant={DEV.id}"
        headers = [("Cookie", cookies), ("Accept", "text/html")]
        return await self.client.exchange("GET", path, headers=headers, query=query)

    async def send(self, path: str, **form: str) -> Answer:
        """Send a form."""
        headers = [
            ("Origin", PUBLIC_URL),
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Cookie", f"__Host-daypass={self.cookie}"),
        ]
        body = urlencode({**form, FIELD: csrf_token(self.cookie)}).encode()
        return await self.client.exchange("POST", path, headers=headers, body=body)


def browser(world: World, username: str) -> Browser:
    cookie, _ = world.token(username, TokenKind.BROWSER, grant_ends_at=world.clock() + timedelta(hours=1))
    return Browser(world.client(), cookie)


def test_other_requests_are_served_while_aws_does_not_answer_for_one_tenant(
    quick_world: World, quick_client: Client, gate: Event
) -> None:
    token, dana = quick_world.tokens[DANA], browser(quick_world, DANA)

    async def keys(tenant: str) -> Answer:
        body = json.dumps({"tenant": tenant}).encode()
        return await quick_client.exchange("POST", "/api/v1/sessions", token, body=body)

    async def crowd() -> tuple[list[int], list[Answer]]:
        stuck = [asyncio.create_task(keys("dev01")) for _ in range(CALLERS)]
        await asyncio.wait(stuck, return_when=asyncio.FIRST_COMPLETED)
        # None of these may wait for the gate, which opens only after they are answered.
        others = [(await keys("prod01")).status for _ in range(10)]
        others += [(await quick_client.exchange("GET", path)).status for path in ("/readyz", "/sign-in")]
        others += [(await dana.show(path)).status for path in ("/profile", "/sessions")]
        others += [(await quick_client.exchange("GET", "/api/v1/me", token)).status]
        gate.set()
        return others, list(await asyncio.gather(*stuck))

    others, answers = asyncio.run(crowd())
    issued = [answer for answer in answers if answer.status == 201]

    assert others == [201] * 10 + [200] * 5
    assert issued
    assert {answer.json["code"] for answer in answers if answer not in issued} == {"overloaded"}
    assert states(quick_world, "dev01") == ["issued"] * len(issued)


def states(world: World, tenant: str) -> list[str]:
    with world.database.reading() as connection:
        query = select(issuances.c.state).where(issuances.c.tenant_name == tenant)
        return list(connection.scalars(query))


def test_a_slow_listing_of_one_tenant_does_not_delay_others(
    quick_world: World, quick_client: Client, gate: Event
) -> None:
    token = quick_world.tokens[DANA]

    async def crowd() -> None:
        path = "/api/v1/tenants/{}/resources"
        stuck = [
            asyncio.create_task(quick_client.exchange("GET", path.format("dev01"), token))
            for _ in range(CALLERS)
        ]
        await asyncio.wait(stuck, return_when=asyncio.FIRST_COMPLETED)
        other = await quick_client.exchange("GET", path.format("prod01"), token)
        gate.set()
        answers = await asyncio.gather(*stuck)

        assert other.status == 200
        assert {answer.status for answer in answers} == {200, 503}

    asyncio.run(crowd())


def test_calls_to_aws_run_in_the_thread_pool_for_aws_only(quick_world: World) -> None:
    world = quick_world
    client, token = world.client(), world.tokens[ADMIN]
    tenant = {"tenant": "dev01"}

    async def ask_all() -> None:
        for channel in world.portal.channels:
            for route in channel.routes:
                assert isinstance(route, ExactRoute)
                if route.method == "GET":
                    path = route.path.replace("{tenant}", DEV.name).replace("{role}", "admin")
                    await client.exchange("GET", path, token)
                    # A role's maximum is read again after five minutes.
                    world.clock.move(timedelta(minutes=6))
                    await browser(world, ADMIN).show(path)
        await client.exchange("POST", "/api/v1/sessions", token, body=json.dumps(tenant).encode())
        admin = browser(world, ADMIN)
        for path in ("/console", "/console-url", "/credentials"):
            world.clock.move(timedelta(minutes=6))
            await admin.send(path, scope=DEV.name)
        arn = f"arn:aws:s3:::duploservices-{DEV.name}-logs"
        await admin.send("/resources/refresh", next="/resources")
        await admin.send("/resources/console", tenant=DEV.name, arn=arn)
        await admin.show("/go", urlencode({"arn": arn}))
        for path in ("", "/change", "/remove"):
            await admin.send(f"/administrator/tenants/{DEV.name}/settings{path}", key="none")

    world.broker.threads.clear()
    asyncio.run(ask_all())
    threads = {name.rpartition("_")[0] for name in world.broker.threads | world.doctor.threads}

    assert threads == {"portal-aws"}
    assert len(world.broker.assumed) >= 8
