"""The portal is called through the proxy that the environment names, and errors name that proxy."""

import json
import socket
from collections.abc import Iterator
from threading import Thread

import pytest

from tests.cli.conftest import ELSEWHERE, Command, Inside
from tests.cli.stub import StubPortal
from tests.http_proxy import HttpProxy
from tests.tls import Authority

HOST = f"https://{ELSEWHERE}"


@pytest.fixture
def secure(authority: Authority) -> Iterator[StubPortal]:
    """Return a portal with TLS, whose name only the proxy resolves."""
    portal = StubPortal(authority.server)
    yield portal
    portal.close()


@pytest.fixture
def proxy(secure: StubPortal) -> Iterator[HttpProxy]:
    """Return the proxy through which that portal is reached."""
    proxy = HttpProxy({ELSEWHERE: secure.port})
    yield proxy
    proxy.close()


def through(proxy: HttpProxy, authority: Authority, **more: str) -> dict[str, str]:
    return {
        "DAYPASS_HOST": HOST,
        "DAYPASS_CA_FILE": str(authority.ca_file),
        "HTTPS_PROXY": proxy.url,
        **more,
    }


def test_credentials_are_requested_through_a_proxy_that_resolves_the_portal(
    daypass: Command, proxy: HttpProxy, secure: StubPortal, authority: Authority
) -> None:
    ran = daypass("aws", "--tenant", "dev01", **through(proxy, authority))

    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["AccessKeyId"].startswith("ASIA")
    assert proxy.requests == [f"CONNECT {ELSEWHERE}:443"]
    assert "Proxy-Authorization" not in secure.requests[0].headers


@pytest.mark.parametrize("variable", ["https_proxy", "ALL_PROXY", "all_proxy"])
def test_every_spelling_of_the_proxy_variable_is_used(
    inside: Inside, proxy: HttpProxy, authority: Authority, variable: str
) -> None:
    environment = through(proxy, authority, **{variable: proxy.url})
    if variable != "HTTPS_PROXY":
        del environment["HTTPS_PROXY"]

    assert inside("tenants", **environment).code == 0


def test_user_and_password_in_the_variable_authenticate_at_the_proxy(
    inside: Inside, proxy: HttpProxy, authority: Authority
) -> None:
    proxy.login = "dana:can/ary"

    ran = inside(
        "whoami",
        "--debug",
        **through(proxy, authority, HTTPS_PROXY=f"http://dana:can%2Fary@{proxy.authority}"),
    )

    assert ran.code == 0, ran.err
    assert "can%2Fary" not in ran.out + ran.err


@pytest.mark.parametrize(
    ("login", "status", "code", "message"),
    [
        ("dana:right", None, 6, "does not accept the user and password in HTTPS_PROXY"),
        (None, 403, 6, f"refuses connections to {ELSEWHERE}:443 (HTTP 403)"),
        (None, 503, 5, f"could not connect to {ELSEWHERE}:443 (HTTP 503)"),
    ],
)
def test_a_proxy_that_refuses_the_connection_is_named_without_its_password(
    inside: Inside,
    proxy: HttpProxy,
    authority: Authority,
    login: str | None,
    status: int | None,
    code: int,
    message: str,
) -> None:
    proxy.login, proxy.status = login, status

    ran = inside("whoami", **through(proxy, authority, HTTPS_PROXY=f"http://dana:canary@{proxy.authority}"))

    assert ran.code == code
    assert message in ran.err
    assert f"http://{proxy.authority}" in ran.err
    assert "canary" not in ran.err


def test_a_proxy_that_requires_authentication_is_reported_with_the_url_format(
    inside: Inside, proxy: HttpProxy, authority: Authority
) -> None:
    proxy.login = "dana:right"

    ran = inside("whoami", **through(proxy, authority))

    assert ran.code == 6
    assert "requires authentication. Set HTTPS_PROXY to http://USER:PASSWORD@HOST:PORT" in ran.err


def test_an_unreachable_or_unsupported_proxy_is_distinguished_from_an_unreachable_portal(
    inside: Inside, proxy: HttpProxy, authority: Authority
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port = bound.getsockname()[1]
    unreachable = inside("whoami", **through(proxy, authority, HTTPS_PROXY=f"http://127.0.0.1:{port}"))
    unknown = inside("whoami", **through(proxy, authority, HTTPS_PROXY="http://proxy.example.invalid:1"))
    socks = inside("whoami", **through(proxy, authority, HTTPS_PROXY="socks5://127.0.0.1:1"))

    assert (unreachable.code, unknown.code, socks.code) == (5, 6, 6)
    assert (
        f"the proxy http://127.0.0.1:{port} (from HTTPS_PROXY) failed: Connection refused" in unreachable.err
    )
    assert "no host for the proxy http://proxy.example.invalid:1" in unknown.err
    assert f"add {ELSEWHERE} to NO_PROXY" in unknown.err
    assert "only http:// proxies are supported" in socks.err


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(None, id="nothing listens"),
        pytest.param(b"SSH-2.0-OpenSSH_9.9\r\n\r\n", id="no HTTP"),
        pytest.param(b"", id="closes the connection"),
    ],
)
def test_a_failing_proxy_is_reported_with_the_variables_that_correct_and_bypass_it(
    inside: Inside, authority: Authority, answer: bytes | None
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        if answer is None:
            server.close()
        else:
            Thread(target=_answer_once, args=(server, answer), daemon=True).start()
        ran = inside("whoami", DAYPASS_HOST=HOST, DAYPASS_CA_FILE=str(authority.ca_file), https_proxy=url)

    assert ran.code in (5, 6)
    assert f"the proxy {url} (from https_proxy)" in ran.err
    assert "Correct https_proxy, or unset it to use no proxy at all" in ran.err
    assert f"add {ELSEWHERE} to NO_PROXY" in ran.err


def _answer_once(server: socket.socket, answer: bytes) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(answer)


def test_loopback_addresses_and_hosts_in_no_proxy_are_called_directly(
    inside: Inside, proxy: HttpProxy, secure: StubPortal, authority: Authority
) -> None:
    proxy.status = 500
    all_proxies = {"HTTP_PROXY": proxy.url, "ALL_PROXY": proxy.url}

    plain = inside("tenants", HTTPS_PROXY=proxy.url, **all_proxies)
    local = inside("tenants", **through(proxy, authority, DAYPASS_HOST=secure.url, **all_proxies))

    assert (plain.code, local.code) == (0, 0)
    assert proxy.requests == []
    # The name cannot be resolved directly, which shows that the proxy was not used.
    listed = inside("tenants", **through(proxy, authority, NO_PROXY=".example.invalid"))
    assert (listed.code, proxy.requests) == (5, [])


def test_doctor_names_the_proxy_and_checks_through_it(
    inside: Inside, proxy: HttpProxy, authority: Authority
) -> None:
    findings = {
        finding["about"]: finding
        for finding in json.loads(
            inside("doctor", "--output", "json", **through(proxy, authority, PATH="/nowhere")).out
        )
    }

    assert findings["proxy"]["sentence"] == (
        f"{ELSEWHERE} is reached through the proxy {proxy.url} (from HTTPS_PROXY)"
    )
    assert {findings[about]["state"] for about in ("proxy", "version", "sign-in")} == {"good"}
    assert findings["certificate"]["sentence"].startswith("trusted, ")


def test_doctor_reports_the_proxys_refusal(inside: Inside, proxy: HttpProxy, authority: Authority) -> None:
    proxy.status = 403

    ran = inside("doctor", **through(proxy, authority, PATH="/nowhere"))

    assert ran.code == 6
    assert f"✗ connection: The proxy {proxy.url} (from HTTPS_PROXY) refuses connections" in ran.out


def test_doctor_prints_a_certificate_command_that_uses_the_proxy(
    inside: Inside, secure: StubPortal, authority: Authority
) -> None:
    other = HttpProxy({"other.example.com": secure.port})
    try:
        environment = through(other, authority, DAYPASS_HOST="https://other.example.com", PATH="/nowhere")
        ran = inside("doctor", **environment)
    finally:
        other.close()

    assert ran.code == 6
    command = f"openssl s_client -proxy {other.authority} -connect other.example.com:443 </dev/null"
    assert command in ran.out
