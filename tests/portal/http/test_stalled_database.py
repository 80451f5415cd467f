"""Answers to callers while a PostgreSQL server does not respond but keeps its connections open."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select

from daypass.portal.audit.verify import verify
from daypass.portal.storage.schema.access import issuances
from tests.fixtures.database import PostgresServer
from tests.fixtures.proxy import proxied
from tests.portal.http.client import Answer, Client
from tests.portal.http.world import DANA
from tests.portal.http.world import world as make_world


def issue_at_once(client: Client, token: str, number: int) -> Sequence[Answer]:
    async def all_of_them() -> Sequence[Answer]:
        body = b'{"tenant": "dev01"}'
        requests = [client.exchange("POST", "/api/v1/sessions", token, body=body) for _ in range(number)]
        async with asyncio.timeout(10):
            return await asyncio.gather(*requests)

    return asyncio.run(all_of_them())


def test_callers_get_503_within_ten_seconds_and_sessions_after_the_recovery(
    postgres: PostgresServer, postgres_url: str
) -> None:
    with (
        proxied(postgres, postgres_url) as (proxy, url),
        make_world(url, patience=timedelta(seconds=2)) as world,
    ):
        client, token = world.client(), world.tokens[DANA]
        before = issue_at_once(client, token, 8)
        proxy.vanish()
        during = issue_at_once(client, token, 8)
        proxy.come_back()
        after = issue_at_once(client, token, 8)

        assert {answer.status for answer in (*before, *after)} == {201}
        assert {answer.status for answer in during} == {503}
        with world.database.snapshot() as connection:
            states = list(connection.scalars(select(issuances.c.state)))
            report = verify(connection)
        assert states == ["issued"] * 16
        assert len(world.broker.issued_credentials) == 16
        assert report.is_intact
