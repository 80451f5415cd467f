"""The exchange of workloads' ID tokens over HTTP, against a CI system's issuer."""

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import select, update

from daypass.portal.app import assemble, page_templates
from daypass.portal.identity.model import Role
from daypass.portal.identity.store.used_tokens import delete_expired_used_tokens
from daypass.portal.permission_sets.model import FULL, READ_ONLY
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.audit import audit_events
from daypass.portal.storage.schema.identity import guesses, users
from daypass.portal.tenants.model import Access
from daypass.portal.tenants.store import TenantStore
from daypass.portal.workloads.exchange import MOST_FAILURES, failures_from
from daypass.portal.workloads.issuers.model import IssuerKind
from daypass.portal.workloads.model import RuleTenant, WorkloadRule
from daypass.portal.workloads.store.rules import delete_rule
from daypass.portal.workloads.store.tokens import revoke_tokens_of_rule
from tests.fixtures.ci_issuer import BITBUCKET_STEP, FORK_JOB, GITHUB_JOB, CiIssuer, ci_issuer
from tests.portal.http.client import PEER, Answer
from tests.portal.http.pages.test_administrator import sign_in
from tests.portal.http.workload_rules import SHOP, changed, rule_of, stored, workload_token
from tests.portal.http.world import (
    ADMIN,
    DANA,
    DATA,
    DEV,
    NOOR,
    PROD,
    PUBLIC_URL,
    World,
    fake_aws,
    portal_config,
)
from tests.portal.http.world import world as make_world

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT = "urn:ietf:params:oauth:token-type:jwt"
FORM = ("Content-Type", "application/x-www-form-urlencoded")


@pytest.fixture
def issuer() -> Iterator[CiIssuer]:
    with ci_issuer() as running:
        yield running


@pytest.fixture
def world(sqlite_url: str, issuer: CiIssuer) -> Iterator[World]:
    """Yield a portal on SQLite that allows the issuer; the race has the statements on each database."""
    with make_world(sqlite_url, workload_issuers=(issuer.url,)) as new_world:
        issuer.clock = new_world.clock
        yield new_world


def exchange(world: World, token: str, **fields: str) -> Answer:
    form = {"grant_type": GRANT, "subject_token": token, "subject_token_type": JWT, **fields}
    return world.client().send("POST", "/oauth/token", headers=[FORM], body=urlencode(form).encode())


def access_token(answer: Answer) -> str:
    assert answer.status == 200, answer.body
    return str(answer.json["access_token"])


def change_rule_in(world: World, rule: WorkloadRule, change: Mapping[str, object]) -> None:
    changed(world, rule, **change)


def last_event(world: World) -> Mapping[str, Any]:
    with world.database.reading() as connection:
        query = select(audit_events).where(audit_events.c.action == "workload.exchange")
        row = connection.execute(query.order_by(audit_events.c.position.desc())).first()
    assert row is not None
    return row._asdict()


def refused(world: World, token: str, why: str, **fields: str) -> None:
    """Check that a token is refused with the one answer, and that the audit log has the reason."""
    answer = exchange(world, token, **fields)
    assert (answer.status, answer.json["error"]) == (400, "invalid_request"), answer.body
    assert answer.json["error_description"].startswith("The portal does not accept this token."), why
    event = last_event(world)
    assert (event["outcome"], f'"code":"{why}"' in event["detail"].replace(" ", "")) == ("denied", True), (
        event
    )
    assert token not in str(event)


def session(world: World, token: str, **body: object) -> Answer:
    return world.client().post("/api/v1/sessions", token, {"tenant": DEV.name, "purpose": "keys", **body})


def test_a_job_gets_a_token_and_with_it_a_session_within_the_rule(world: World, issuer: CiIssuer) -> None:
    stored(world, rule_of(world, issuer.url))

    answer = exchange(world, issuer.mint(PUBLIC_URL))

    token = access_token(answer)
    assert token.startswith("daypass_wlt_")
    assert answer.header("cache-control") == "no-store"
    assert {name: answer.json[name] for name in answer.json if name != "access_token"} == {
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "token_type": "Bearer",
        "expires_in": 900,
        "scope": "tenants",
        "username": DANA,
    }
    issued = session(world, token)
    assert issued.status == 201, issued.body
    assert issued.json["permission_set"] == "read-only", "Dana has full access, and the rule gives less."
    parameters, _ = world.broker.assumed[-1]
    assert parameters.tags["daypass:claim:repository"] == "acme/shop"
    assert parameters.tags["daypass:claim:run"] == "1001"
    assert parameters.tags["daypass:tenant"] == DEV.name
    assert not any("TENANT_NAME" in key.upper() for key in parameters.tags)


def test_the_session_lasts_by_the_rule_and_not_by_the_token(world: World, issuer: CiIssuer) -> None:
    stored(world, rule_of(world, issuer.url, session_limit=timedelta(minutes=40)))
    token = access_token(exchange(world, issuer.mint(PUBLIC_URL)))
    world.clock.move(timedelta(minutes=14))

    issued = session(world, token)

    assert issued.json["validity"] == 2400
    assert issued.json["note"].endswith("Limited by: Session limit of the workload rule.")
    world.clock.move(timedelta(minutes=1))
    assert session(world, token).status == 401, "The token ends; the session goes on."


def test_the_record_and_the_events_have_the_claims(world: World, issuer: CiIssuer) -> None:
    stored(world, rule_of(world, issuer.url))
    token = access_token(exchange(world, issuer.mint(PUBLIC_URL)))
    event = last_event(world)
    assert (event["outcome"], event["subject"]) == ("done", "shop")
    for text in ('"tag.run":"1001"', '"sub":"repo:acme/shop:ref:refs/heads/main"', issuer.url):
        assert text in event["detail"].replace(": ", ":"), event["detail"]

    session(world, token)

    listed = world.client().get("/api/v1/sessions/all", world.tokens[ADMIN]).json["sessions"]
    assert listed[0]["session_tags"] == {
        "daypass:claim:repository": "acme/shop",
        "daypass:claim:run": "1001",
    }
    with world.database.reading() as connection:
        details = connection.scalars(
            select(audit_events.c.detail).where(audit_events.c.action == "session.issue")
        ).all()
    assert all(
        '"workload_rule": "shop"' in detail or '"workload_rule":"shop"' in detail for detail in details
    )
    assert (listed[0]["workload_rule"], listed[0]["limited_by_rule"]) == ("shop", False)


def test_a_session_that_the_rule_limited_says_so_everywhere(world: World, issuer: CiIssuer) -> None:
    stored(world, rule_of(world, issuer.url, session_limit=timedelta(minutes=40)))
    session(world, access_token(exchange(world, issuer.mint(PUBLIC_URL))))
    world.client().post("/api/v1/sessions", world.tokens[DANA], {"tenant": DEV.name})

    listed = world.client().get("/api/v1/sessions/all", world.tokens[ADMIN]).json["sessions"]
    by_dana, by_rule = sorted(listed, key=lambda each: str(each["workload_rule"] or ""))

    # The limit is what earlier clients know.
    assert (by_rule["limit"], by_rule["workload_rule"], by_rule["limited_by_rule"]) == (
        "configured",
        "shop",
        True,
    )
    assert (by_dana["workload_rule"], by_dana["limited_by_rule"], by_dana["session_tags"]) == (
        None,
        False,
        {},
    )
    with world.database.reading() as connection:
        done = connection.scalars(
            select(audit_events.c.detail)
            .where(audit_events.c.action == "session.issue")
            .order_by(audit_events.c.position)
        ).all()
    assert ["limited_by_rule" in detail for detail in done] == [True, True, False, False]
    browser = sign_in(world, ADMIN)
    page = browser.see(f"/administrator/tenants/{DEV.id}/sessions")
    for text in ("limit of the workload rule", "/administrator/workload-rules/shop", "repository: acme/shop"):
        assert text in page
    assert page.count("Workload rule ") == 1


def test_a_token_counts_once(world: World, issuer: CiIssuer) -> None:
    stored(world, rule_of(world, issuer.url))
    id_token = issuer.mint(PUBLIC_URL)
    access_token(exchange(world, id_token))

    refused(world, id_token, "used")

    without_jti = issuer.mint(PUBLIC_URL, jti=None)
    access_token(exchange(world, without_jti))
    refused(world, without_jti, "used")


def test_a_sign_out_by_a_provider_does_not_make_a_used_token_new(world: World, issuer: CiIssuer) -> None:
    stored(world, rule_of(world, issuer.url))
    id_token = issuer.mint(PUBLIC_URL)
    access_token(exchange(world, id_token))
    # The token has expired, and is accepted for a minute more by clocks that differ.
    world.clock.move(issuer.lifetime + timedelta(seconds=30))

    # Each logout token that a provider sends deletes what has expired, in the table that both share.
    with world.database.writing() as connection:
        delete_expired_used_tokens(world.clock()).apply(connection)

    refused(world, id_token, "used")


@contextmanager
def replica_of(world: World, url: str, issuer: CiIssuer) -> Iterator[World]:
    """Run a second portal on the same database."""
    database = Database(url, patience=timedelta(seconds=5))
    aws = fake_aws(world.broker, world.source)
    config = replace(portal_config(url), workload_issuers=(issuer.url,))
    portal = assemble(config, database, aws, world.clock, page_templates())
    yield replace(world, portal=portal)
    portal.close()


def test_of_eight_requests_with_one_token_at_two_replicas_one_wins(database_url: str) -> None:
    with (
        ci_issuer() as ci,
        make_world(database_url, workload_issuers=(ci.url,)) as one,
        replica_of(one, database_url, ci) as other,
    ):
        ci.clock = one.clock
        stored(one, rule_of(one, ci.url))
        id_token, barrier = ci.mint(PUBLIC_URL), threading.Barrier(8)

        def send(number: int) -> Answer:
            barrier.wait()
            return exchange((one, other)[number % 2], id_token)

        with ThreadPoolExecutor(8) as pool:
            answers = sorted(pool.map(send, range(8)), key=lambda answer: answer.status)

        assert [answer.status for answer in answers] == [200, *[400] * 7]
        token = access_token(answers[0])
        assert [session(each, token).status for each in (one, other)] == [201, 201]
        assert len(other.client().get("/api/v1/tenants", token).json["tenants"]) == 1


def test_a_token_for_another_party_is_refused(world: World, issuer: CiIssuer) -> None:
    stored(world, rule_of(world, issuer.url))

    for audience in (
        "https://other.example.com",
        f"{PUBLIC_URL}/",
        [PUBLIC_URL, "https://other.example.com"],
        [],
    ):
        refused(world, issuer.mint(audience), "audience")
    access_token(exchange(world, issuer.mint([PUBLIC_URL])))


def test_a_repository_with_a_recycled_name_is_refused(world: World, issuer: CiIssuer) -> None:
    stored(world, rule_of(world, issuer.url))

    refused(world, issuer.mint(PUBLIC_URL, repository_id="9999"), "claim")
    assert "repository_id" in last_event(world)["detail"]
    refused(world, issuer.mint(PUBLIC_URL, repository_owner_id=None), "claim")


def test_a_fork_and_a_pull_request_are_refused(world: World, issuer: CiIssuer) -> None:
    stored(world, rule_of(world, issuer.url, claims=SHOP))

    refused(world, issuer.mint(PUBLIC_URL, FORK_JOB), "claim")
    for event in ("pull_request", "pull_request_target", "pull_request_review"):
        refused(world, issuer.mint(PUBLIC_URL, event_name=event), "forbidden_claim")
    refused(world, issuer.mint(PUBLIC_URL, ref="refs/pull/7/merge"), "forbidden_claim")
    access_token(exchange(world, issuer.mint(PUBLIC_URL)))


def test_an_issuer_without_a_rule_is_not_asked_for_anything(world: World, issuer: CiIssuer) -> None:
    with ci_issuer(world.clock) as named_by_itself:
        stored(world, rule_of(world, issuer.url))

        refused(world, named_by_itself.mint(PUBLIC_URL), "unknown_issuer")
        refused(world, named_by_itself.mint(PUBLIC_URL, iss=issuer.url + "/"), "unknown_issuer")
        # A token that names the issuer of a rule, signed with another key.
        refused(world, named_by_itself.mint(PUBLIC_URL, iss=issuer.url), "key")

        assert named_by_itself.paths == []


def test_an_issuer_whose_rules_are_disabled_is_not_asked_for_anything(world: World, issuer: CiIssuer) -> None:
    stored(world, rule_of(world, issuer.url, is_disabled=True))

    refused(world, issuer.mint(PUBLIC_URL), "rule_disabled")

    assert issuer.paths == []


def test_an_issuer_that_the_operator_no_longer_allows_is_refused(sqlite_url: str, issuer: CiIssuer) -> None:
    with make_world(sqlite_url) as world:
        issuer.clock = world.clock
        rule = stored(world, rule_of(world, issuer.url))

        refused(world, issuer.mint(PUBLIC_URL), "issuer_not_allowed")

        assert issuer.paths == []
        # For an issuer whose keys are in the rule nothing is fetched, so it needs no permission.
        changed(world, rule, jwks=issuer.jwks)
        access_token(exchange(world, issuer.mint(PUBLIC_URL)))
        assert issuer.paths == []


@pytest.mark.parametrize(
    ("age", "lifetime", "why"),
    [(11, 30, "too_old"), (10, 30, None), (6, 4, "expired"), (0, 61, "lifetime"), (-3, 10, "not_yet_valid")],
)
def test_times_of_a_github_token(
    world: World, issuer: CiIssuer, age: int, lifetime: int, why: str | None
) -> None:
    stored(world, rule_of(world, issuer.url))
    issued_at = int(world.clock().timestamp()) - age * 60
    token = issuer.mint(PUBLIC_URL, iat=issued_at, nbf=None, exp=issued_at + lifetime * 60)
    # At the limits the leeway of a minute applies, so 11 minutes are too old by a second.
    world.clock.move(timedelta(seconds=1))
    if why is None:
        access_token(exchange(world, token))
    else:
        refused(world, token, why)


def test_a_system_that_gives_one_token_per_job_may_use_it_late(world: World, issuer: CiIssuer) -> None:
    issuer.claims = BITBUCKET_STEP
    claims = {"repositoryUuid": BITBUCKET_STEP["repositoryUuid"], "branchName": "main"}
    stored(world, rule_of(world, issuer.url, kind=IssuerKind.BITBUCKET, claims=claims))
    issuer.lifetime = timedelta(hours=1)
    token = issuer.mint(PUBLIC_URL)
    world.clock.move(timedelta(minutes=50))
    access_token(exchange(world, token))


def test_one_of_several_rules_is_found_and_the_audience_chooses(world: World, issuer: CiIssuer) -> None:
    shop = stored(world, rule_of(world, issuer.url))
    stored(
        world,
        rule_of(world, issuer.url, name="fork", claims={**SHOP, "repository_id": "6666"}),
    )
    access_token(exchange(world, issuer.mint(PUBLIC_URL)))

    stored(world, rule_of(world, issuer.url, NOOR, name="again"))

    refused(world, issuer.mint(PUBLIC_URL), "ambiguous")
    refused(world, issuer.mint(PUBLIC_URL), "unknown_audience", audience="nobody")
    assert exchange(world, issuer.mint(PUBLIC_URL), audience=NOOR).json["username"] == NOOR
    assert exchange(world, issuer.mint(PUBLIC_URL), audience=shop.name).json["username"] == DANA


def test_every_refusal_has_the_same_body(world: World, issuer: CiIssuer) -> None:
    stored(world, rule_of(world, issuer.url))
    used = issuer.mint(PUBLIC_URL)
    access_token(exchange(world, used))
    tokens = [
        used,
        "x",
        "a.b.c",
        "x" * 17_000,
        issuer.mint("y"),
        issuer.mint(PUBLIC_URL, FORK_JOB),
    ]
    tokens += [
        issuer.mint(PUBLIC_URL, iss="https://nobody.example"),
        issuer.mint(PUBLIC_URL, exp=None),
    ]

    bodies = {exchange(world, token).without_id[2] for token in tokens}

    assert len(bodies) == 1


def test_a_request_that_asks_for_something_else_is_refused(world: World) -> None:
    for fields, error in (
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:access_token"}, "invalid_request"),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request"),
        ({"actor_token": "x"}, "invalid_request"),
        ({"scope": "admin"}, "invalid_scope"),
        ({"subject_token": ""}, "invalid_request"),
    ):
        answer = exchange(world, "x", **fields)
        assert (answer.status, answer.json["error"]) == (400, error), fields


def test_the_account_must_be_an_enabled_service_account(world: World, issuer: CiIssuer) -> None:
    stored(world, rule_of(world, issuer.url))
    for values, why in (
        ({"disabled_at": world.clock()}, "account_disabled"),
        ({"disabled_at": None, "role": Role.ADMINISTRATOR.value}, "administrator"),
        ({"role": Role.USER.value, "kind": "person"}, "no_service_account"),
    ):
        with world.database.writing() as connection:
            connection.execute(update(users).where(users.c.username == DANA).values(**values))
        refused(world, issuer.mint(PUBLIC_URL), why)


def test_a_token_of_an_account_that_became_an_administrator_gives_tenants_only(
    world: World, issuer: CiIssuer
) -> None:
    stored(world, rule_of(world, issuer.url, tenants=(RuleTenant(DATA.id, DATA.name, FULL),)))
    token = access_token(exchange(world, issuer.mint(PUBLIC_URL)))
    with world.database.writing() as connection:
        promote = update(users).where(users.c.username == DANA).values(role=Role.ADMINISTRATOR.value)
        connection.execute(promote)

    assert world.client().get("/api/v1/me", token).json["user"]["role"] == "User"
    assert world.client().get("/api/v1/tenants", token).json["tenants"] == []
    assert session(world, token, tenant=DATA.name).status == 404, "An Administrator is no member of data01."
    assert session(world, token, tenant=None, admin=True).status == 403
    assert world.client().get("/api/v1/users", token).status == 401


def test_a_token_reaches_the_tenants_that_rule_and_membership_both_give(
    world: World, issuer: CiIssuer
) -> None:
    listed = (RuleTenant(DATA.id, DATA.name, FULL), RuleTenant(PROD.id, PROD.name, FULL))
    stored(world, rule_of(world, issuer.url, tenants=listed))
    token = access_token(exchange(world, issuer.mint(PUBLIC_URL)))

    tenants = world.client().get("/api/v1/tenants", token).json["tenants"]

    assert [(each["name"], each["permission_set"]) for each in tenants] == [(PROD.name, "read-only")]
    assert world.client().get(f"/api/v1/tenants/{PROD.name}", token).status == 200
    assert session(world, token, tenant=PROD.name).json["permission_set"] == "read-only"
    for foreign in (DEV.name, DATA.name, "nothing"):
        assert world.client().get(f"/api/v1/tenants/{foreign}", token).status == 404
        assert session(world, token, tenant=foreign).status == 404
    assert session(world, token, tenant=PROD.name, permission_set="full").status == 403


def test_the_tenants_of_a_workload_come_in_pages(world: World) -> None:
    with world.database.writing() as connection:
        TenantStore(connection).add_member(DATA.id, world.users[DANA].id, Access.FULL, world.clock())
    # Dana is a member of all three.
    listed = (RuleTenant(PROD.id, PROD.name, FULL), RuleTenant(DEV.id, DEV.name, FULL))
    token, client = workload_token(world, tenants=listed), world.client()

    def page(query: str, bearer: str = token) -> Answer:
        return client.get("/api/v1/tenants", bearer, query=query)

    first = page("limit=1").json
    last = page(f"limit=1&cursor={first['next_cursor']}").json
    assert [[each["name"] for each in part["tenants"]] for part in (first, last)] == [[DEV.name], [PROD.name]]
    assert last["next_cursor"] is None
    assert page("limit=2").json["next_cursor"] is None
    of_dana = page(f"limit=1&cursor={first['next_cursor']}", world.tokens[DANA]).json
    assert [each["name"] for each in of_dana["tenants"]] == [PROD.name], (
        "A cursor is the same for all callers."
    )
    assert [each["name"] for each in page("search=DEV").json["tenants"]] == [DEV.name]
    assert page("search=data").json["tenants"] == []
    for cursor in ("x", "W10", "WzFd", "bnVsbA"):
        assert (page(f"cursor={cursor}").status, page(f"cursor={cursor}", world.tokens[DANA]).status) == (
            422,
            422,
        )


def test_a_token_ends_with_its_rule(world: World, issuer: CiIssuer) -> None:
    rule = stored(world, rule_of(world, issuer.url))
    token = access_token(exchange(world, issuer.mint(PUBLIC_URL)))
    changed(world, rule, is_disabled=True)
    assert session(world, token).status == 401, "Even where nobody revoked the token."
    changed(world, rule)
    assert session(world, token).status == 201

    with world.database.writing() as connection:
        revoke_tokens_of_rule(rule.id, at=world.clock()).apply(connection)

    assert session(world, token).status == 401
    assert world.client().get("/api/v1/me", token).status == 401
    with world.database.writing() as connection:
        delete_rule(rule.id).apply(connection)
    assert session(world, token).status == 401


@pytest.mark.parametrize(
    "change",
    [
        {"tenants": ()},
        {"tenants": (RuleTenant(DEV.id, DEV.name, FULL),)},
        {"session_limit": timedelta(minutes=30)},
        {"is_disabled": True},
    ],
)
def test_a_rule_that_changes_during_an_issuance_releases_nothing(
    world: World, issuer: CiIssuer, change: Mapping[str, object]
) -> None:
    rule = stored(world, rule_of(world, issuer.url))
    token = access_token(exchange(world, issuer.mint(PUBLIC_URL)))
    world.broker.during_assume = lambda: change_rule_in(world, rule, change)

    answer = session(world, token)

    assert answer.status in {401, 403, 404}, answer.body
    assert b"secret-canary" not in answer.body


@pytest.mark.parametrize("change", ["disable", "delete", "widen", "end_account"])
def test_a_rule_that_changes_while_its_issuer_is_asked_gives_no_token(
    world: World, issuer: CiIssuer, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    rule = stored(world, rule_of(world, issuer.url))
    answer_as_usual = issuer.reply

    def reply(method: str, target: str, authorization: str) -> tuple[HTTPStatus, object]:
        if change == "disable":
            changed(world, rule, is_disabled=True)
        elif change == "widen":
            changed(world, rule, tenants=(RuleTenant(DEV.id, DEV.name, FULL),))
        else:
            with world.database.writing() as connection:
                if change == "delete":
                    delete_rule(rule.id).apply(connection)
                else:
                    ended = update(users).where(users.c.username == DANA)
                    connection.execute(ended.values(disabled_at=world.clock()))
        return answer_as_usual(method, target, authorization)

    monkeypatch.setattr(issuer, "reply", reply)

    refused(world, issuer.mint(PUBLIC_URL), "rule_changed")


def test_a_token_whose_issuer_answers_too_late_is_not_used_up(
    world: World, issuer: CiIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(world, rule_of(world, issuer.url))
    token, answer_as_usual = issuer.mint(PUBLIC_URL), issuer.reply

    def late(method: str, target: str, authorization: str) -> tuple[HTTPStatus, object]:
        world.clock.move(timedelta(seconds=4.5))
        return answer_as_usual(method, target, authorization)

    monkeypatch.setattr(issuer, "reply", late)

    assert exchange(world, token).status == 503
    # The keys are there now.
    access_token(exchange(world, token))


def test_failing_tokens_from_one_network_are_limited_and_good_ones_are_not(
    world: World, issuer: CiIssuer
) -> None:
    stored(world, rule_of(world, issuer.url))
    for _ in range(3):
        access_token(exchange(world, issuer.mint(PUBLIC_URL)))
    bad = issuer.mint("other")
    assert exchange(world, bad).status == 400
    with world.database.writing() as connection:
        counter = guesses.c.subject == failures_from(PEER).subject
        assert connection.scalar(select(guesses.c.spent).where(counter)) == 1, "Three were refunded."
        connection.execute(update(guesses).where(counter).values(spent=MOST_FAILURES - 1))

    assert [exchange(world, bad).status for _ in range(3)] == [400, 429, 429]
    assert exchange(world, issuer.mint(PUBLIC_URL)).json["error"] == "temporarily_unavailable"
    world.clock.move(timedelta(minutes=15))
    access_token(exchange(world, issuer.mint(PUBLIC_URL)))


def test_an_issuer_that_is_down_is_no_refusal(world: World, issuer: CiIssuer) -> None:
    stored(world, rule_of(world, issuer.url))
    id_token = issuer.mint(PUBLIC_URL)
    issuer.close()

    answer = exchange(world, id_token)

    assert (answer.status, answer.json["error"]) == (503, "temporarily_unavailable")
    assert issuer.url not in answer.json["error_description"]


@pytest.mark.parametrize("unusable", [None, '{"keys": []}'])
def test_a_rule_without_usable_keys_does_not_stop_one_that_brings_its_keys(
    world: World, issuer: CiIssuer, unusable: str | None
) -> None:
    # Rules are tried by name, so the one without keys comes first.
    stored(world, rule_of(world, issuer.url, NOOR, name="a-rule", jwks=unusable, tenants=()))
    stored(world, rule_of(world, issuer.url, jwks=issuer.jwks))
    accepted, of_a_fork = issuer.mint(PUBLIC_URL), issuer.mint(PUBLIC_URL, FORK_JOB)
    issuer.close()

    assert exchange(world, accepted).json["username"] == DANA
    # The other rule could accept this token, if its keys were there.
    assert exchange(world, of_a_fork).status == 503


def test_a_rule_with_read_only_and_a_member_with_full(world: World, issuer: CiIssuer) -> None:
    issuer.claims = {**GITHUB_JOB, "repository_id": 4711}
    stored(world, rule_of(world, issuer.url, tenants=(RuleTenant(DEV.id, DEV.name, READ_ONLY),)))
    token = access_token(exchange(world, issuer.mint(PUBLIC_URL)))

    assert session(world, token, permission_set="read-only").status == 201
    assert session(world, token, permission_set="full").status == 403
