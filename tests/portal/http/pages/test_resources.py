"""The pages of a tenant's resources."""

import re
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote, urlencode

import pytest

from daypass.portal.access.store.issuances import IssuanceStore
from daypass.portal.audit.event import OPERATOR
from daypass.portal.errors import AwsRefused, AwsThrottled
from daypass.portal.http.layout.csrf import FIELD, csrf_token
from daypass.portal.identity.model import TokenKind
from daypass.portal.settings.registry import DISABLE_NON_ADMIN_JIT
from tests.fakes import NOON
from tests.portal.http.client import Answer, Client
from tests.portal.http.world import ADMIN, DANA, DEV, NOOR, PROD, PUBLIC_URL, World
from tests.portal.inventory.resources import KINDS, arns_of, everything_of, examples_of, tagged
from tests.settings import store_setting

BUCKET = arns_of("dev01")["s3-bucket"]
POLYGLOT = "'\"><img src=x onerror=alert(1)>"


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser with a signed-in user."""

    client: Client
    cookie: str

    def get(self, path: str, query: str = "", tenant: str = "") -> Answer:
        """Request a page, with a tenant selected."""
        return self.client.get(path, headers=self._headers(tenant), query=query)

    def post(self, path: str, **fields: str) -> Answer:
        """Submit a form of one of our own pages."""
        form = urlencode({FIELD: csrf_token(self.cookie), **fields}).encode()
        sent = [
            *self._headers(""),
            ("Origin", PUBLIC_URL),
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Content-Length", str(len(form))),
        ]
        return self.client.send("POST", path, body=form, headers=sent)

    def _headers(self, tenant: str) -> list[tuple[str, str]]:
        cookies = f"__Host-daypass={self.cookie}; __Host-daypass_tenant={tenant}"
        return [("Accept", "text/html"), ("Cookie", cookies)]


@pytest.fixture
def full_world(quick_world: World) -> World:
    """A portal whose AWS returns all resources for every search."""
    quick_world.source.resources = [
        *everything_of("dev01"),
        *everything_of("prod01", "us-west-2"),
        *everything_of("data01", "us-west-2"),
    ]
    return quick_world


def browser(world: World, username: str) -> Browser:
    user, ends_at = world.users[username], NOON + timedelta(hours=12)
    sign_in = world.identity.new_token(user, TokenKind.BROWSER, "", expires_at=ends_at, grant_ends_at=ends_at)
    return Browser(world.client(), world.identity.add_token(sign_in, user, OPERATOR).reveal())


@pytest.fixture
def dana(full_world: World) -> Browser:
    return browser(full_world, DANA)


def text(answer: Answer) -> str:
    return answer.body.decode()


def go(arn: str) -> str:
    return f"arn={quote(arn, safe='')}"


def issued(world: World, username: str = DANA) -> int:
    with world.database.reading() as connection:
        return len(IssuanceStore(connection).list_for_user(world.users[username].id).records)


def test_the_list_shows_the_selected_tenants_resources_by_kind(full_world: World, dana: Browser) -> None:
    shown = text(dana.get("/resources"))
    chosen = text(dana.get("/resources", tenant=PROD.id))

    headings = re.findall(r'id="kind-[a-z0-9-]+">([^<]+?) <', shown)
    assert headings == [kind.plural for kind in KINDS if kind.name in arns_of("dev01")]
    for arn in arns_of("dev01").values():
        assert f">{arn}<" in shown
    assert "prod01-" not in shown
    assert "data01" not in shown + chosen
    assert "duploservices-prod01-reports" in chosen
    assert issued(full_world) == 0


def test_the_list_is_filtered_by_words_and_kind(dana: Browser) -> None:
    for query, names, says in (
        ("search=ORDERS", ["duploservices-dev01-orders"], "1 of 1"),
        ("kind=sqs-queue", ["duploservices-dev01-jobs"], "1 of 1"),
        ("kind=sqs-queue&search=orders", [], "No matching resources"),
        ("kind=nonsense&show=-1&search=reports", ["duploservices-dev01-reports"], "1 of 1"),
    ):
        shown = text(dana.get("/resources", query))

        assert re.findall(r'class="key"><a href="[^"]+">([^<]+)<', shown) == names
        assert says in shown


def test_a_long_list_is_paginated(full_world: World, dana: Browser) -> None:
    full_world.source.resources = [
        tagged(f"arn:aws:s3:::duploservices-dev01-{n:03}", "dev01") for n in range(60)
    ]
    seen: list[str] = []
    query = "search=dev01"
    for position in ("25 of 60", "25 of 60", "10 of 60"):
        shown = text(dana.get("/resources", query))
        assert position in shown
        seen += re.findall(r"<code>([^<]+)</code>", shown)
        following = re.search(r'href="/resources\?([^"]+)" rel="next"', shown)
        query = following[1].replace("&amp;", "&") if following else ""

    assert not query
    assert len(seen) == len(set(seen)) == 60
    assert "50 of 60" in text(dana.get("/resources", "show=50"))


def test_an_aws_error_is_shown_with_its_remedy_within_the_layout(full_world: World, dana: Browser) -> None:
    full_world.source.error = AwsRefused("AWS does not let the role search. Allow tag:GetResources.")

    answer = dana.get("/resources")

    assert answer.status == 502
    assert "Allow tag:GetResources." in text(answer)
    assert "Try again" in text(answer)
    assert 'aria-label="Main"' in text(answer)


def test_refresh_reads_from_aws_again_and_returns_to_the_list(full_world: World, dana: Browser) -> None:
    dana.get("/resources")
    full_world.clock.move(timedelta(seconds=30))

    answer = dana.post("/resources/refresh", next="/resources?kind=s3-bucket")

    assert (answer.status, answer.header("location")) == (303, "/resources?kind=s3-bucket")
    assert len(full_world.source.queries) == 2
    assert dana.post("/resources/refresh", next="//evil.example").header("location") == "/resources"
    full_world.clock.move(timedelta(seconds=30))
    full_world.source.error = AwsThrottled("AWS asks for a pause.")
    refused = dana.post("/resources/refresh", next="/resources?kind=s3-bucket")
    assert refused.status == 503
    assert "AWS asks for a pause." in text(refused)
    assert 'href="/resources?kind=s3-bucket">Try again' in text(refused)


def test_an_incomplete_listing_is_marked(full_world: World, dana: Browser) -> None:
    full_world.source.page_size, full_world.source.error_after = 5, 1
    full_world.source.error = AwsThrottled("A pause.")

    assert "This list is incomplete: dev01 has many resources" in text(dana.get("/resources"))


def test_a_user_without_tenants_is_told_to_ask_an_administrator(full_world: World) -> None:
    shown = text(browser(full_world, NOOR).get("/resources"))

    assert "You are not a member of any tenant" in shown
    assert full_world.source.queries == []


def test_a_tenant_without_resources_gets_an_empty_state(quick_world: World) -> None:
    shown = text(browser(quick_world, DANA).get("/resources"))

    assert "No resources in dev01" in shown


def test_each_resource_has_a_page(dana: Browser) -> None:
    kinds = {kind.name: kind for kind in KINDS}
    for kind, arn in arns_of("dev01").items():
        answer = dana.get("/go", go(arn))

        shown = text(answer)
        assert answer.status == 200
        assert f"<h1>{kinds[kind].label}</h1>" in shown
        assert f"<code>{arn}</code>" in shown
        assert ">TENANT_NAME<" in shown
        assert ">Console<" in shown
        assert f"{PUBLIC_URL}/go?arn={arn}" in text(dana.get("/go", f"{go(arn)}&tab=Details"))


def test_the_resource_name_keeps_its_case(dana: Browser) -> None:
    assert "<h2>duploservices-dev01-reports</h2>" in text(dana.get("/go", go(BUCKET)))


def test_the_link_to_a_resource_selects_its_tenant(dana: Browser) -> None:
    answer = dana.get("/go", go(arns_of("prod01", "us-west-2")["api-gateway"]))

    assert "Read only" in text(dana.get("/go", f"{go(arns_of('prod01')['s3-bucket'])}&tab=Details"))
    assert (answer.header("set-cookie") or "").startswith(f"__Host-daypass_tenant={PROD.id};")
    assert f'<option value="{PROD.id}" selected>' in text(answer)
    # No cookie is set if the tenant is already selected.
    assert dana.get("/go", go(BUCKET)).header("set-cookie") is None
    # Selecting another tenant on this page must not lead back to this resource.
    assert '<input type="hidden" name="next" value="/resources">' in text(answer)


def test_users_with_read_only_access_learn_which_parts_the_console_page_may_lack(
    full_world: World, dana: Browser
) -> None:
    gap = "Read-only sessions do not get the values of parameters"
    parameter = "arn:aws:ssm:us-west-2:123456789012:parameter/duploservices-{}-limits"
    full_world.source.resources += [tagged(parameter.format(name), name) for name in ("dev01", "prod01")]

    assert gap in text(dana.get("/go", go(parameter.format("prod01"))))
    assert gap not in text(dana.get("/go", go(parameter.format("dev01"))))
    assert "Read-only sessions" not in text(dana.get("/go", go(arns_of("prod01", "us-west-2")["s3-bucket"])))


def test_the_links_to_many_kinds_are_folded_until_one_is_chosen(full_world: World, dana: Browser) -> None:
    assert "Filter by kind" not in text(dana.get("/resources"))

    full_world.source.resources = [tagged(arn, "dev01") for arn in examples_of("dev01").values()]
    full_world.clock.move(timedelta(minutes=2))

    assert '<details class="filter"><summary>Filter by kind' in text(dana.get("/resources"))
    assert '<details class="filter" open>' in text(dana.get("/resources", "kind=kms-key"))


def test_a_role_of_generation_1_has_buttons_for_six_services_only(full_world: World, dana: Browser) -> None:
    function, no_button = (
        arns_of("dev01")["lambda-function"],
        "may use S3, DynamoDB, SQS, SNS, Kinesis and API",
    )
    full_world.boundaries.arn = "arn:aws:iam::123456789012:policy/daypass-boundary"

    shown = text(dana.get("/resources"))

    assert no_button in shown
    assert "button: Lambda Functions, Log Groups, RDS Databases, Secrets." in shown
    assert 'aria-label="Open duploservices-dev01-reports in the AWS console"' in shown
    assert 'aria-label="Open duploservices-dev01-worker in the AWS console"' not in shown
    assert no_button in text(dana.get("/go", go(function)))
    assert ">Console<" not in text(dana.get("/go", go(function)))
    assert ">Console<" in text(dana.get("/go", go(BUCKET)))
    assert no_button not in text(dana.get("/go", go(BUCKET)))
    assert len(full_world.boundaries.calls) == 1


def test_kinds_of_services_that_a_tenant_may_not_use_have_no_button(full_world: World, dana: Browser) -> None:
    function, limited = (
        arns_of("dev01")["lambda-function"],
        "An Administrator limited dev01 to some AWS services",
    )
    with full_world.database.writing() as connection:
        store_setting(connection, DEV.id, "", "aws_services", "s3,lambda", by="admin", now=NOON)

    shown = text(dana.get("/resources"))

    assert limited in shown
    assert shown.count('title="Console"') == 2
    assert 'aria-label="Open duploservices-dev01-worker in the AWS console"' in shown
    assert ">Console<" in text(dana.get("/go", go(function)))
    assert ">Console<" not in text(dana.get("/go", go(arns_of("dev01")["sqs-queue"])))
    assert limited in text(dana.get("/go", go(arns_of("dev01")["sqs-queue"])))


@pytest.mark.parametrize("boundary", ["daypass-boundary-2", "another"])
def test_any_other_role_has_a_button_for_every_kind(full_world: World, dana: Browser, boundary: str) -> None:
    full_world.boundaries.arn = f"arn:aws:iam::123456789012:policy/{boundary}"

    shown = text(dana.get("/resources"))

    assert shown.count('title="Console"') == len(arns_of("dev01"))
    assert "may use S3" not in shown


@pytest.mark.parametrize("username", [DANA, NOOR])
def test_a_foreign_resource_cannot_be_told_from_a_missing_one(full_world: World, username: str) -> None:
    reader = browser(full_world, username)
    for kind in arns_of("dev01"):
        # One of an unknown tenant, and one that does not exist.
        for missing in (arns_of("nope01", "us-west-2")[kind], f"{arns_of('data01', 'us-west-2')[kind]}x"):
            foreign = reader.get("/go", go(arns_of("data01", "us-west-2")[kind]))
            absent = reader.get("/go", go(missing))

            assert foreign.status == 404
            assert foreign.without_id == absent.without_id
    assert "data01" not in {query.value for query in full_world.source.queries}


def test_the_link_to_a_resource_survives_sign_in(full_world: World) -> None:
    query = go(BUCKET)

    answer = full_world.client().get("/go", headers=[("Accept", "text/html")], query=query)

    assert answer.status == 303
    assert answer.header("location") == f"/sign-in?next={quote(f'/go?{query}', safe='/')}"
    assert full_world.source.queries == []


def test_only_the_console_button_issues_a_session_and_it_opens_the_resource(
    full_world: World, dana: Browser
) -> None:
    dana.get("/go", go(BUCKET))
    assert issued(full_world) == 0
    assert full_world.broker.opened_pages == []

    answer = dana.post("/resources/console", tenant=DEV.id, arn=BUCKET, destination="/iam/home")

    assert answer.status == 303
    assert (answer.header("location") or "").startswith("https://signin.example/")
    assert full_world.broker.opened_pages == [
        "https://eu-west-1.console.example/s3/buckets/duploservices-dev01-reports?region=eu-west-1&tab=objects"
    ]
    assert issued(full_world) == 1
    assert dana.get("/resources/console", go(BUCKET)).status == 405


def test_the_console_form_refuses_resources_of_other_tenants(full_world: World, dana: Browser) -> None:
    foreign, other = (arns_of(name, "us-west-2")["s3-bucket"] for name in ("data01", "prod01"))
    for tenant, arn in (
        ("data01", foreign),
        ("dev01", foreign),
        ("dev01", other),
        ("dev01", "arn:aws:s3:::duploservices-dev01-absent"),
        ("", BUCKET),
        ("dev01", ""),
    ):
        assert dana.post("/resources/console", tenant=tenant, arn=arn).status == 404
    assert issued(full_world) == 0


def test_without_jit_access_resources_are_shown_without_console(full_world: World, dana: Browser) -> None:
    full_world.set(DISABLE_NON_ADMIN_JIT, "true")

    for path, query in (("/resources", ""), ("/go", go(BUCKET))):
        shown = text(dana.get(path, query))
        assert BUCKET in shown
        assert "/resources/console" not in shown
        assert "An Administrator turned JIT AWS access off" in shown
    assert dana.post("/resources/console", tenant=DEV.id, arn=BUCKET).status == 403
    assert ">Console<" in text(browser(full_world, ADMIN).get("/go", go(BUCKET)))


def test_names_and_tags_are_escaped(full_world: World, dana: Browser) -> None:
    api = arns_of("dev01")["api-gateway"]
    full_world.source.resources = [tagged(api, "dev01", Name=POLYGLOT, **{POLYGLOT: POLYGLOT})]

    pages = (
        dana.get("/resources"),
        dana.get("/resources", urlencode({"search": POLYGLOT})),
        dana.get("/resources", urlencode({"search": "nothing" + POLYGLOT})),
        dana.get("/go", go(api)),
        dana.get("/go", f"{go(api)}&tab=Details"),
    )

    for page in pages:
        assert page.status == 200
        assert "<img" not in text(page).lower()
