"""Secrets typed into a wrong field are not stored in audit log, sessions, devices or token names."""

import json
from collections.abc import Iterator
from urllib.parse import quote, urlencode

import pytest
from sqlalchemy import Table, select

from daypass.portal.http.layout.cookies import SESSION
from daypass.portal.http.layout.csrf import csrf_token
from daypass.portal.identity.model import TokenKind
from daypass.portal.identity.tokens import mint
from daypass.portal.storage.schema.access import issuances
from daypass.portal.storage.schema.audit import audit_events
from daypass.portal.storage.schema.identity import api_tokens, oauth_requests
from tests.portal.http.oauth.test_endpoints import PUSHED, Browser, send
from tests.portal.http.world import ADMIN, DANA, DEV, PUBLIC_URL, World

RECORDS = (audit_events, issuances, api_tokens, oauth_requests)
SECRETS = {
    "token": mint(TokenKind.PERMANENT).reveal(),
    "key id": "AKIAIOSFODNN7EXAMPLE",
    "secret key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
}


def on_record(world: World) -> Iterator[str]:
    """Yield every text in the rows of audit log, sessions, devices and tokens."""
    with world.database.reading() as connection:
        for table in RECORDS:
            yield from _texts(connection.execute(select(table)), table)


def _texts(rows: object, table: Table) -> Iterator[str]:
    for row in rows:  # type: ignore[attr-defined]  # rows of that table
        yield f"{table.name}: {json.dumps([value for value in row if isinstance(value, str)])}"


def type_everywhere(world: World, secret: str) -> None:
    """Send *secret* in every field whose value is stored."""
    client, admin = world.client(), world.tokens[ADMIN]
    dana, here = world.tokens[DANA], quote(secret, safe="")
    new = [("If-None-Match", "*")]
    client.post("/api/v1/sessions", dana, {"tenant": secret})
    client.post("/api/v1/sessions", dana, {"tenant": "dev01", "reason": f"my key is {secret}"})
    client.post("/api/v1/sessions", dana, {"tenant": "x" * 29 + " " + secret})
    client.get(f"/subscriptions/{here}/GetAwsConsoleTokenUrl", dana, is_quoted=True)
    client.get(f"/api/v1/tenants/{here}/members", dana, is_quoted=True)
    client.post("/api/v1/users", admin, {"username": secret, "role": "User"})
    client.post("/api/v1/users", dana, {"username": secret, "role": "Administrator"})
    client.post("/api/v1/tokens", admin, {"user": DANA, "name": secret})
    for place in ("metadata/owner", "settings/other"):
        raw = json.dumps({"value": f"see {secret}"}).encode()
        client.send("PUT", f"/api/v1/tenants/{DEV.id}/{place}", admin, body=raw, headers=new)
    raw = json.dumps({"value": "x"}).encode()
    path = f"/api/v1/tenants/{DEV.id}/metadata/{here}"
    client.send("PUT", path, admin, body=raw, headers=new, is_quoted=True)
    send(client, "/oauth/par", **{**PUSHED, "device": secret, "tenant": secret})
    send(client, "/oauth/token", grant_type="refresh_token", refresh_token=secret, client_id="daypass-cli")
    browser = Browser(world, ADMIN)
    headers = [
        ("Cookie", f"{SESSION}={browser.cookie}"),
        ("Accept", "text/html"),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Origin", PUBLIC_URL),
    ]
    form = {"csrf": csrf_token(browser.cookie), "localAppName": secret, "localPort": "54321"}
    body = urlencode(form).encode()
    client.send("POST", "/app/user/verify-token/cancel", headers=headers, body=body)
    query = urlencode({"format": "csv", "user": secret, "subject": secret, "search": secret})
    client.get("/administrator/audit/export", headers=headers, query=query)


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_a_secret_typed_into_any_field_is_stored_nowhere(quick_world: World, secret: str) -> None:
    before = len(list(on_record(quick_world)))
    type_everywhere(quick_world, secret)
    rows = list(on_record(quick_world))

    assert len(rows) >= before + 12
    assert not [row for row in rows if secret in row or secret.lower() in row]
    assert any("[redacted]" in row for row in rows)
    if secret.startswith("daypass"):
        assert not [row for row in rows if secret[12:22] in row or secret[12:22].lower() in row]


def test_the_issued_access_key_id_is_recorded(quick_world: World) -> None:
    answer = quick_world.client().post("/api/v1/sessions", quick_world.tokens[DANA], {"tenant": "dev01"})
    key_id = answer.json["credentials"]["access_key_id"]

    assert [row for row in on_record(quick_world) if row.startswith("audit_events") and key_id in row]


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_a_username_that_looks_like_a_secret_is_refused(quick_world: World, secret: str) -> None:
    client, admin = quick_world.client(), quick_world.tokens[ADMIN]
    created = client.post("/api/v1/users", admin, {"username": secret, "role": "User"})
    table = {"csv": f"username\n{secret}\n", "dry_run": False}
    imported = client.post("/api/v1/user-imports", admin, table)

    assert (created.status, imported.status) == (422, 422)
    assert secret.lower() not in created.body.decode().lower()
