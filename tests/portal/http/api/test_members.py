"""The API for all users, through the whole portal: answers and errors of each operation."""

from datetime import timedelta

import pytest

from daypass.portal.errors import (
    AwsMisconfigured,
    AwsRefused,
    AwsThrottled,
    AwsTrustRefused,
    AwsUnavailable,
)
from daypass.portal.identity.model import TokenKind
from daypass.portal.settings.registry import DISABLE_NON_ADMIN_JIT, ENABLE_ADMIN_JIT_ON_UI, TENANT_VALIDITY
from tests.fakes import NOON
from tests.portal.http.client import Client
from tests.portal.http.world import ACCOUNT, ADMIN, DANA, DATA, DEV, NOOR, PROD, World

SESSIONS = "/api/v1/sessions"


def test_me_returns_the_caller_the_token_and_the_account(world: World, client: Client) -> None:
    answer = client.get("/api/v1/me", world.tokens[DANA])

    assert answer.status == 200
    assert answer.header("content-type") == "application/json"
    token = answer.json["token"]
    assert answer.json["user"] == {"id": world.users[DANA].id, "username": DANA, "role": "User"}
    assert (token["kind"], token["name"]) == ("permanent", "another")
    assert token["expires_at"] == "2027-11-24T12:00:00+00:00"
    assert (answer.json["account_id"], answer.json["region"]) == (ACCOUNT, "us-west-2")
    assert world.tokens[DANA] not in answer.body.decode()


@pytest.mark.parametrize(
    ("username", "seen"),
    [
        (DANA, [("dev01", "full"), ("prod01", "read-only")]),
        (NOOR, []),
        (ADMIN, [("data01", "full"), ("dev01", "full"), ("prod01", "full")]),
    ],
)
def test_the_list_of_tenants_has_the_visible_ones_sorted_by_name(
    world: World, client: Client, username: str, seen: list[tuple[str, str]]
) -> None:
    answer = client.get("/api/v1/tenants", world.tokens[username])

    assert answer.status == 200
    assert [(one["name"], one["access"]) for one in answer.json["tenants"]] == seen
    assert [(one["name"], one["permission_set"]) for one in answer.json["tenants"]] == seen
    facts = {"id", "name", "region", "access", "permission_set"}
    if username == ADMIN:
        facts |= {"role_arn", "external_id", "version"}
    assert all(set(one) == facts for one in answer.json["tenants"])


@pytest.mark.parametrize("reference", [DEV.name, DEV.id])
def test_a_member_gets_keys_for_a_tenant(world: World, client: Client, reference: str) -> None:
    answer = client.post(
        SESSIONS, world.tokens[DANA], {"tenant": reference, "duration": "30m", "reason": "r"}
    )

    assert answer.status == 201, answer.body
    given = world.broker.issued_credentials[0]
    session = answer.json
    assert session["credentials"] == {
        "access_key_id": given.access_key_id,
        "secret_access_key": given.secret_access_key.reveal(),
        "session_token": given.session_token.reveal(),
    }
    assert session["tenant"] == {"id": DEV.id, "name": DEV.name}
    assert (session["scope"], session["access"]) == ("tenant", "full")
    assert (session["role_arn"], session["region"], session["account_id"]) == (
        DEV.target.role_arn,
        DEV.target.region,
        ACCOUNT,
    )
    assert session["user"] == {"id": world.users[DANA].id, "username": DANA}
    assert session["session_name"] == DANA
    assert session["issued_at"] == "2026-11-24T12:00:00+00:00"
    assert session["expires_at"] == "2026-11-24T12:30:00+00:00"
    assert session["validity"] == 1800
    assert [(limit["source"], limit["seconds"], limit["decided"]) for limit in session["limits"]] == [
        ("asked", 1800, True),
        ("configured", 3600, False),
    ]
    assert (session["capped_by"], session["note"]) == (None, None)
    assert "console_url" not in session


def test_an_administrator_gets_the_master_role_although_pages_do_not_offer_it(
    world: World, client: Client
) -> None:
    world.set(ENABLE_ADMIN_JIT_ON_UI, "false")

    answer = client.post(SESSIONS, world.tokens[ADMIN], {"admin": True})

    assert answer.status == 201
    assert (answer.json["scope"], answer.json["tenant"]) == ("admin", None)
    assert answer.json["role_arn"] == f"arn:aws:iam::{ACCOUNT}:role/duplomaster"


def test_a_console_link_comes_without_keys_and_with_its_expiry(world: World, client: Client) -> None:
    ask = {"tenant": "dev01", "purpose": "console", "destination": "/s3/buckets"}

    answer = client.post(SESSIONS, world.tokens[DANA], ask)

    assert answer.status == 201
    assert answer.json["console_url"].startswith("https://signin.example/federation?SigninToken=")
    assert answer.json["console_url_expires_at"] == "2026-11-24T12:15:00+00:00"
    assert "credentials" not in answer.json
    assert b"canary" not in answer.body
    assert world.broker.opened_pages == ["https://eu-west-1.console.example/s3/buckets"]


def test_a_capped_session_names_the_limit(world: World, client: Client) -> None:
    world.set(TENANT_VALIDITY, "1800", DEV)

    answer = client.post(SESSIONS, world.tokens[DANA], {"tenant": "dev01", "duration": 7200})

    assert (answer.status, answer.json["validity"], answer.json["capped_by"]) == (201, 1800, "configured")
    assert answer.json["note"] == (
        "This session lasts 30 min, though 2 h was requested. Limited by: AWS Access Token Validity."
    )


def test_a_read_only_member_s_session_is_marked_read_only(world: World, client: Client) -> None:
    answer = client.post(SESSIONS, world.tokens[DANA], {"tenant": "prod01"})

    assert (answer.status, answer.json["access"]) == (201, "read-only")


def test_a_user_lists_their_own_sessions_newest_first_in_pages(world: World, client: Client) -> None:
    for tenant, by in (("dev01", DANA), ("prod01", DANA), ("data01", ADMIN), ("data01", DANA)):
        client.post(SESSIONS, world.tokens[by], {"tenant": tenant, "reason": "ticket 4711"})
        world.clock.move(timedelta(seconds=1))

    first = client.get(SESSIONS, world.tokens[DANA], query="limit=2").json
    rest = client.get(SESSIONS, world.tokens[DANA], query=f"limit=2&cursor={first['next_cursor']}").json

    assert [(one["tenant"], one["state"]) for one in first["sessions"]] == [
        ("data01", "denied"),
        ("prod01", "issued"),
    ]
    (last,) = rest["sessions"]
    assert rest["next_cursor"] is None
    assert (last["door"], last["purpose"], last["reason"]) == ("api", "keys", "ticket 4711")
    assert (last["address"], last["access_key_id"]) == ("203.0.113.7", "ASIAFAKE000000000001")
    assert (last["asked_at"], last["expires_at"], last["validity"], last["limit"]) == (
        "2026-11-24T12:00:00+00:00",
        "2026-11-24T13:00:00+00:00",
        3600,
        "configured",
    )


@pytest.mark.parametrize(
    ("asked", "status", "code", "says"),
    [
        ({"tenant": "nowhere"}, 404, "tenant_not_found", "no tenant “nowhere”"),
        ({"tenant": DATA.name}, 404, "tenant_not_found", "no tenant “data01”"),
        ({"tenant": ""}, 422, "invalid_request", "“tenant” is empty"),
        ({"tenant": "x" * 300}, 422, "invalid_request", "“tenant” is too long"),
        ({"tenant": "ünïcødé-🦊"}, 404, "tenant_not_found", "ünïcødé"),
        ({"tenant": "dev01\x00"}, 404, "tenant_not_found", "no tenant"),
        ({"tenant": "dev01\ud800"}, 400, "invalid_request", "not JSON"),
        ({"tenant": 1}, 422, "invalid_request", "“tenant”"),
        ({"admin": True}, 403, "access_denied", "Administrators"),
        ({"admin": "yes"}, 422, "invalid_request", "“admin”"),
        ({}, 422, "invalid_request", "either a “tenant” or"),
        ({"tenant": "dev01", "admin": True}, 422, "invalid_request", "not both"),
        ({"tenant": "dev01", "role": "x"}, 422, "invalid_request", "“role” is not a known field"),
        ({"tenant": "dev01", "purpose": "both"}, 422, "invalid_request", "“purpose”"),
        ({"tenant": "dev01", "destination": "/s3"}, 422, "invalid_request", "requires the purpose “console”"),
        (
            {"tenant": "dev01", "purpose": "console", "destination": "https://evil.example"},
            422,
            "invalid_request",
            "not a page of the AWS console",
        ),
        ({"tenant": "dev01", "reason": "r" * 501}, 422, "invalid_request", "“reason” is too long"),
        *(
            ({"tenant": "dev01", "duration": text}, 422, "invalid_duration", "15 minutes")
            for text in ("899", 899, "43201", 43201, "13h", "9999999999h", "0")
        ),
        *(
            ({"tenant": "dev01", "duration": text}, 422, "invalid_duration", "whole number")
            for text in (
                "-1",
                -1,
                "1e9",
                "2 hours",
                "",
                "\uff13\uff16\uff10\uff10",
                True,
                1.5,
                [3600],
                {"h": 2},
            )
        ),
        ([], 422, "invalid_request", "must be a JSON object"),
        ("dev01", 422, "invalid_request", "must be a JSON object"),
        (None, 422, "invalid_request", "must be a JSON object"),
    ],
    ids=str,
)
def test_a_refused_session_request_is_a_problem_document(
    still_world: World, still_client: Client, asked: object, status: int, code: str, says: str
) -> None:
    answer = still_client.post(SESSIONS, still_world.tokens[DANA], asked)

    assert (answer.status, answer.json["code"]) == (status, code), answer.body
    assert says in answer.json["detail"]
    assert answer.header("content-type") == "application/problem+json"
    assert set(answer.json) == {"type", "title", "status", "detail", "code", "request_id"}
    assert answer.json["status"] == status
    assert answer.json["request_id"] == answer.header("x-request-id")
    assert answer.header("location") is None
    assert still_world.broker.issued_credentials == []


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (AwsRefused("AWS said no."), 502),
        (AwsTrustRefused("The role does not trust the portal."), 502),
        (AwsThrottled("AWS is slow."), 503),
        (AwsUnavailable("AWS is away."), 503),
        (AwsMisconfigured("The portal has no keys."), 500),
    ],
    ids=str,
)
def test_each_aws_error_has_its_status(
    quick_world: World, quick_client: Client, refusal: AwsRefused, status: int
) -> None:
    quick_world.broker.assume_error = refusal

    answer = quick_client.post(SESSIONS, quick_world.tokens[DANA], {"tenant": "dev01"})

    assert (answer.status, answer.json["code"], answer.json["detail"]) == (
        status,
        refusal.code,
        refusal.reason,
    )
    assert (answer.header("retry-after") is not None) == (status == 503)


def test_users_are_refused_with_the_reason_while_jit_is_turned_off(
    quick_world: World, quick_client: Client
) -> None:
    quick_world.set(DISABLE_NON_ADMIN_JIT, "true")

    refused = quick_client.post(SESSIONS, quick_world.tokens[DANA], {"tenant": "dev01"})
    issued = quick_client.post(SESSIONS, quick_world.tokens[ADMIN], {"tenant": "dev01"})

    assert (refused.status, refused.json["code"]) == (403, "jit_disabled")
    assert "Administrator turned JIT AWS access off" in refused.json["detail"]
    assert issued.status == 201


def test_a_sign_in_that_is_about_to_expire_requires_a_new_one(
    quick_world: World, quick_client: Client
) -> None:
    token, _ = quick_world.token(DANA, TokenKind.TEMPORARY, grant_ends_at=NOON + timedelta(minutes=14))

    answer = quick_client.post(SESSIONS, token, {"tenant": "dev01"})

    assert (answer.status, answer.json["code"]) == (401, "sign_in_again")
    assert "again" in answer.json["detail"]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("limit=0", "“limit”"),
        ("limit=201", "“limit”"),
        ("limit=many", "“limit”"),
        ("cursor=none", ""),
        ("colour=red", "“colour” is not a known field"),
    ],
)
def test_invalid_pagination_parameters_are_refused(
    still_world: World, still_client: Client, query: str, says: str
) -> None:
    answer = still_client.get(SESSIONS, still_world.tokens[DANA], query=query)

    assert (answer.status, answer.json["code"]) == (422, "invalid_request")
    assert says in answer.json["detail"]


def test_another_user_s_cursor_reveals_none_of_their_sessions(
    quick_world: World, quick_client: Client
) -> None:
    for _ in range(3):
        quick_client.post(SESSIONS, quick_world.tokens[ADMIN], {"tenant": PROD.name})
        quick_world.clock.move(timedelta(seconds=1))
    cursor = quick_client.get(SESSIONS, quick_world.tokens[ADMIN], query="limit=1").json["next_cursor"]

    answer = quick_client.get(SESSIONS, quick_world.tokens[DANA], query=f"cursor={cursor}")

    assert answer.json == {"sessions": [], "next_cursor": None}
