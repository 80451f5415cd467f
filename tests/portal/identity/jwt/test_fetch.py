"""Requests over TLS and through a proxy."""

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from daypass.portal.identity.jwt import IssuerUnavailable
from daypass.portal.identity.jwt.fetch import Fetcher
from tests.http_proxy import HttpProxy
from tests.tls import Authority, new_authority

HOST = "idp.example.com"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = f"{self.path} {self.headers['Host']}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return new_authority(tmp_path_factory.mktemp("idp"), HOST)


@pytest.fixture(scope="module")
def port(authority: Authority) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.socket = authority.server.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def proxy(port: int) -> Iterator[HttpProxy]:
    running = HttpProxy({HOST: port})
    yield running
    running.close()


@pytest.fixture
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the system trust the test's authority."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    return authority.ca_file


def fetcher(proxy: HttpProxy | None = None, **environment: str) -> Fetcher:
    variables = dict(environment) if proxy is None else {"HTTPS_PROXY": proxy.url, **environment}
    return Fetcher(environment=variables)


def unavailable(fetcher: Fetcher, url: str) -> str:
    with pytest.raises(IssuerUnavailable) as caught:
        fetcher.get(url)
    return str(caught.value)


@pytest.mark.usefixtures("trusted")
def test_a_request_goes_through_the_proxy_that_the_environment_sets(proxy: HttpProxy) -> None:
    response = fetcher(proxy).get(f"https://{HOST}/keys?a=b")

    assert response.body == f"/keys?a=b {HOST}".encode()
    assert proxy.requests == [f"CONNECT {HOST}:443"]


@pytest.mark.usefixtures("trusted")
def test_an_issuer_on_this_machine_is_reached_without_a_proxy(proxy: HttpProxy, port: int) -> None:
    assert fetcher(proxy).get(f"https://localhost:{port}/").status == 200
    assert proxy.requests == []


@pytest.mark.usefixtures("trusted")
def test_a_failure_of_the_proxy_names_the_variable_and_not_its_password(proxy: HttpProxy) -> None:
    proxy.login = "user:secret-of-the-proxy"
    address = f"http://user:wrong-canary@{proxy.authority}"

    said = unavailable(fetcher(HTTPS_PROXY=address), f"https://{HOST}/")
    assert "does not accept the user and password in HTTPS_PROXY" in said
    assert "canary" not in said

    assert "HTTPS_PROXY is not the address" in unavailable(fetcher(HTTPS_PROXY="http://"), f"https://{HOST}/")


def test_a_certificate_that_the_system_does_not_trust_is_refused(port: int) -> None:
    assert "TLS connection" in unavailable(fetcher(), f"https://localhost:{port}/")


@pytest.mark.usefixtures("trusted")
def test_a_certificate_for_another_name_is_refused(port: int, proxy: HttpProxy) -> None:
    proxy.hosts = {"other.example.com": port}

    assert "Hostname mismatch" in unavailable(fetcher(proxy), "https://other.example.com/")


def test_a_message_has_no_query(port: int) -> None:
    assert "canary" not in unavailable(fetcher(), f"https://localhost:{port}/a?code=canary")


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("value", ["canary\r\nX: y", "canary\n", "canaryé", "canary\x00"])
def test_a_header_is_one_line_of_ascii(value: str, port: int) -> None:
    with pytest.raises(ValueError, match="one line") as caught:
        fetcher().get(f"https://localhost:{port}/", {"Authorization": value})

    assert "canary" not in str(caught.value)


def test_the_environment_of_the_process_decides_by_default() -> None:
    assert Fetcher().environment is os.environ
    assert "environment" not in repr(Fetcher())
