"""The federation endpoint and the console: sign-in tokens, sessions and pages."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from daypass.sandbox.process import SandboxProcess
from tests.fixtures.sandbox import Keys
from tests.sandbox.browser import Answer, ask
from tests.sandbox.test_control_plane import archive
from tests.sandbox.world import World, allow, make_resources, own_resources, trust


def browse(world: World, path: str, *, cookie: str = "", form: dict[str, str] | None = None) -> Answer:
    """Request one page, as a browser does."""
    headers = {"Cookie": cookie} if cookie else {}
    if form is None:
        return ask(world.sandbox, "GET", path, headers)
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    return ask(world.sandbox, "POST", path, headers, urlencode(form).encode())


def session_json(keys: Keys) -> str:
    """Return keys in the format of the federation endpoint."""
    return json.dumps(
        {
            "sessionId": keys.access_key_id,
            "sessionKey": keys.secret_access_key,
            "sessionToken": keys.session_token,
        }
    )


def make_api(world: World) -> None:
    """Create an API with the id in `own_api`."""
    tags = {"TENANT_NAME": world.name, "ms-custom-id": f"{world.name}-api"}
    world.client("apigateway").create_rest_api(name=f"{world.name}-shop", tags=tags)


def own_api(world: World) -> dict[str, Any]:
    """Return a statement that allows that API and no other."""
    return allow("apigateway:*", f"arn:aws:apigateway:{world.sandbox.region}::/restapis/{world.name}-api")


def make_function(world: World) -> None:
    """Create the function and the log group in `own_function`."""
    role = world.role(trust("*"), suffix="worker")
    world.client("lambda").create_function(
        FunctionName=f"{world.name}-worker",
        Runtime="python3.12",
        Handler="index.handler",
        Role=role,
        Code={"ZipFile": archive("pass")},
    )
    world.client("logs").create_log_group(logGroupName=f"/aws/lambda/{world.name}-worker")


def own_function(world: World) -> dict[str, Any]:
    """Return a statement that allows the function and its log group, and no other."""
    prefix = f"{world.sandbox.region}:{world.sandbox.account_id}"
    group = f"arn:aws:logs:{prefix}:log-group:/aws/lambda/{world.name}-worker"
    return allow(
        ["lambda:*", "logs:*"],
        [f"arn:aws:lambda:{prefix}:function:{world.name}-worker", group, f"{group}:*"],
    )


def own_bucket(world: World) -> dict[str, Any]:
    """Create a bucket and return a statement that allows it and no other."""
    world.client("s3").create_bucket(Bucket=f"{world.name}-files")
    return allow("s3:*", f"arn:aws:s3:::{world.name}-files")


def signin_token(world: World, keys: Keys, **more: str) -> str:
    """Request a sign-in token by POST and return it."""
    form = {"Action": "getSigninToken", "Session": session_json(keys), **more}
    answer = browse(world, "/federation", form=form)
    assert answer.status == 200, answer.text
    return str(json.loads(answer.text)["SigninToken"])


def login(world: World, token: str, destination: str = "https://console.aws.amazon.com/") -> Answer:
    """Follow the sign-in link."""
    query = urlencode(
        {"Action": "login", "Issuer": "daypass", "Destination": destination, "SigninToken": token}
    )
    return browse(world, f"/federation?{query}")


def cookie_of(answer: Answer) -> str:
    """Return the cookie that the console set."""
    assert answer.status == 303, answer.text
    return str(answer.headers["Set-Cookie"]).partition(";")[0]


@pytest.fixture
def portal(world: World) -> Keys:
    return world.user()[1]


@pytest.fixture
def role_arn(world: World) -> str:
    return world.role(
        trust("arn:aws:iam::111122223333:root"),
        own_resources(world, world.name),
        own_api(world),
        own_function(world),
        hours=2,
    )


@pytest.fixture
def keys(world: World, portal: Keys, role_arn: str) -> Keys:
    return world.assume(portal, role_arn)


# --- the sign-in token ------------------------------------------------------------------------------


def test_a_token_is_also_issued_by_get(world: World, keys: Keys) -> None:
    query = urlencode({"Action": "getSigninToken", "Session": session_json(keys)})
    answer = browse(world, f"/federation?{query}")
    assert answer.status == 200
    assert json.loads(answer.text)["SigninToken"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_invalid_keys_get_no_token(world: World, portal: Keys, keys: Keys) -> None:
    wrong = [
        replace(keys, secret_access_key="x" * 40),
        replace(keys, session_token="another"),
        replace(keys, access_key_id="ASIAUNKNOWN000000000"),
        portal,
        Keys(world.sandbox.root_key, world.sandbox.root_secret),
    ]
    for invalid in wrong:
        form = {"Action": "getSigninToken", "Session": session_json(invalid)}
        assert browse(world, "/federation", form=form).status == 400


@pytest.mark.parametrize("session", ["", "{", "[]", "null", '{"sessionId": 1}'])
def test_a_malformed_session_gets_no_token(world: World, session: str) -> None:
    form = {"Action": "getSigninToken", "Session": session}
    assert browse(world, "/federation", form=form).status == 400


def test_expired_keys_get_no_token(world: World, keys: Keys) -> None:
    world.sandbox.control.move_clock(timedelta(seconds=3601))
    form = {"Action": "getSigninToken", "Session": session_json(keys)}
    assert browse(world, "/federation", form=form).status == 400


@pytest.mark.parametrize(
    ("seconds", "status"), [("900", 200), ("43200", 200), ("899", 400), ("43201", 400), ("x", 400)]
)
def test_a_session_duration_out_of_bounds_is_refused(
    world: World, keys: Keys, seconds: str, status: int
) -> None:
    form = {"Action": "getSigninToken", "Session": session_json(keys), "SessionDuration": seconds}
    assert browse(world, "/federation", form=form).status == status


def test_keys_of_a_chained_role_sign_in_only_without_a_session_duration(world: World, portal: Keys) -> None:
    first_arn = world.role(trust("arn:aws:iam::111122223333:root"), allow("sts:*"), suffix="first")
    second_arn = world.role(trust(first_arn), suffix="second")
    chained = world.assume(world.assume(portal, first_arn), second_arn)

    form = {"Action": "getSigninToken", "Session": session_json(chained), "SessionDuration": "900"}
    assert browse(world, "/federation", form=form).status == 400
    assert login(world, signin_token(world, chained)).status == 303


def test_an_unknown_action_is_refused(world: World) -> None:
    assert browse(world, "/federation?Action=logout").status == 400


# --- the sign-in ------------------------------------------------------------------------------------


def test_a_token_can_be_used_once(world: World, keys: Keys) -> None:
    token = signin_token(world, keys)
    assert login(world, token).status == 303
    assert login(world, token).status == 400


def test_a_token_expires_after_fifteen_minutes(world: World, keys: Keys) -> None:
    token = signin_token(world, keys)
    world.sandbox.control.move_clock(timedelta(minutes=15))
    assert login(world, token).status == 400


@pytest.mark.parametrize(
    "destination",
    [
        "",
        "https://example.com/",
        "https://console.aws.amazon.com.example.com/",
        "http://console.aws.amazon.com/",
        "https://console.aws.amazon.com@example.com/",
        "//example.com",
        "javascript:alert(1)",
    ],
)
def test_another_site_as_destination_is_refused_and_does_not_consume_the_token(
    world: World, keys: Keys, destination: str
) -> None:
    token = signin_token(world, keys)
    answer = login(world, token, destination)
    assert answer.status == 400
    assert "Set-Cookie" not in answer.headers
    assert login(world, token).status == 303


def test_the_cookie_is_limited_to_the_console_and_http_only(world: World, keys: Keys) -> None:
    cookie = str(login(world, signin_token(world, keys)).headers["Set-Cookie"])
    assert "; HttpOnly" in cookie
    assert "; Path=/console" in cookie
    assert "; SameSite=lax" in cookie


# --- the console ------------------------------------------------------------------------------------


def test_the_overview_shows_identity_end_and_accessible_resources(world: World, keys: Keys) -> None:
    make_resources(world, world.name)
    make_resources(world, f"x{world.name}")
    make_api(world)
    cookie = cookie_of(login(world, signin_token(world, keys)))

    page = browse(world, "/console/", cookie=cookie)

    assert page.status == 200
    assert "111122223333" in page.text
    assert f"{world.name}-role/dana@example.com" in page.text
    assert "59 min left" in page.text
    for name in ("files", "things", "jobs", "events"):
        assert f">{world.name}-{name}<" in page.text
    assert f":{world.name}-news<" in page.text
    assert f">{world.name}-api<" in page.text
    assert f"x{world.name}" not in page.text
    assert "Sandbox console" in page.text


def test_the_console_uses_neither_the_proxy_nor_the_aws_profile_of_its_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as environment:
        environment.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        environment.setenv("AWS_PROFILE", "missing")
        process = SandboxProcess()
    with process:
        world = World(process)
        bucket = own_bucket(world)
        keys = world.assume(
            world.user()[1], world.role(trust(f"arn:aws:iam::{process.account_id}:root"), bucket)
        )
        cookie = cookie_of(login(world, signin_token(world, keys)))

        page = browse(world, "/console/", cookie=cookie)

        assert page.status == 200
        assert f">{world.name}-files<" in page.text


def test_the_csp_forbids_scripts_and_framing(world: World, keys: Keys) -> None:
    cookie = cookie_of(login(world, signin_token(world, keys)))
    page = browse(world, "/console/", cookie=cookie)
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "<script" not in page.text
    assert "style=" not in page.text
    assert page.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("link", "name"),
    [
        ("/s3/buckets/{p}-files?region=us-east-1&tab=objects", "{p}-files"),
        ("/s3/object/{p}-files?region=us-east-1&prefix=hello.txt", "{p}-files"),
        ("/dynamodbv2/home?region=us-east-1#table?name={p}-things", "{p}-things"),
        ("/dynamodbv2/home?region=us-east-1#item-explorer?table={p}-things", "{p}-things"),
        (
            "/sqs/v3/home?region=us-east-1#/queues/"
            "https%3A%2F%2Fsqs.us-east-1.amazonaws.com%2F111122223333%2F{p}-jobs",
            "{p}-jobs",
        ),
        (
            "/sns/v3/home?region=us-east-1#/topic/arn:aws:sns:us-east-1:111122223333:{p}-news",
            "arn:aws:sns:us-east-1:111122223333:{p}-news",
        ),
        ("/kinesis/home?region=us-east-1#/streams/details/{p}-events/monitoring", "{p}-events"),
        ("/apigateway/main/apis/{p}-api/resources?api={p}-api&region=us-east-1", "{p}-api"),
        ("/lambda/home?region=us-east-1#/functions/{p}-worker?tab=code", "{p}-worker"),
        (
            "/cloudwatch/home?region=us-east-1#logsV2:log-groups/log-group/$252Faws$252Flambda$252F{p}-worker",
            "/aws/lambda/{p}-worker",
        ),
    ],
)
@pytest.mark.parametrize("host", ["https://us-east-1.console.aws.amazon.com", "{origin}", "{origin}/console"])
def test_a_deep_link_opens_its_resource_or_shows_the_refusal(
    world: World, keys: Keys, portal: Keys, host: str, link: str, name: str
) -> None:
    make_resources(world, world.name)
    make_api(world)
    make_function(world)
    stranger = world.assume(portal, world.role(trust("arn:aws:iam::111122223333:root"), suffix="bare"))
    destination = (host + link).format(p=world.name, origin=world.sandbox.endpoint_url)
    texts = {}
    for session_keys in (keys, stranger):
        signed_in = login(world, signin_token(world, session_keys), destination)
        page = browse(world, signed_in.headers["Location"], cookie=cookie_of(signed_in))
        assert page.status == 200
        assert name.format(p=world.name) in page.text
        texts[session_keys] = page.text
    assert "This session may open" in texts[keys]
    assert "This session may not open" in texts[stranger]


def test_a_deep_link_without_a_page_in_the_sandbox_is_shown(world: World, keys: Keys) -> None:
    link = "/ec2/home?region=us-east-1#InstanceDetails:instanceId=i-1"

    signed_in = login(world, signin_token(world, keys), f"https://us-east-1.console.aws.amazon.com{link}")
    page = browse(world, signed_in.headers["Location"], cookie=cookie_of(signed_in))

    assert "The real console has this page" in page.text
    assert link in page.text


def test_a_console_session_expires_with_its_keys(world: World, keys: Keys) -> None:
    cookie = cookie_of(login(world, signin_token(world, keys)))
    world.sandbox.control.move_clock(timedelta(seconds=3601))
    page = browse(world, "/console/", cookie=cookie)
    assert page.status == 403
    assert "signed out" in page.text


def test_a_session_duration_ends_the_console_session_before_its_keys(world: World, keys: Keys) -> None:
    cookie = cookie_of(login(world, signin_token(world, keys, SessionDuration="900")))
    world.sandbox.control.move_clock(timedelta(seconds=901))
    assert browse(world, "/console/", cookie=cookie).status == 403


def test_signing_out_ends_the_console_session(world: World, keys: Keys) -> None:
    cookie = cookie_of(login(world, signin_token(world, keys)))
    assert browse(world, "/console/sign-out", cookie=cookie, form={}).status == 303
    assert browse(world, "/console/", cookie=cookie).status == 403


def test_pages_without_a_session_are_refused(world: World) -> None:
    for path in ("/console/", "/console/s3/anything"):
        page = browse(world, path, cookie="sandbox_console=guessed")
        assert page.status == 403
        assert "Open the console again from the portal" in page.text


def test_the_name_in_a_path_is_decoded_once(world: World, keys: Keys) -> None:
    cookie = cookie_of(login(world, signin_token(world, keys)))

    page = browse(world, "/console/s3/a%2541b", cookie=cookie)

    assert "a%41b" in page.text


def test_names_from_links_are_escaped(world: World, keys: Keys) -> None:
    cookie = cookie_of(login(world, signin_token(world, keys)))
    page = browse(world, "/console/s3/%3Cb%3Ebold", cookie=cookie)
    assert "<b>bold" not in page.text
    assert "&lt;b&gt;bold" in page.text
