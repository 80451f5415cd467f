"""The test for loopback addresses, used for proxies, HSTS and the CLI's settings."""

import pytest

from daypass.common.origins import is_loopback, is_loopback_host
from daypass.common.proxies import proxy_for

THIS_MACHINE = ["localhost", "LOCALHOST", "localhost.", "sandbox.localhost", "127.0.0.1", "127.9.9.9"]
THIS_MACHINE_IN_IPV6 = ["::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1"]
ELSEWHERE = [
    "",
    "portal.example.com",
    "localhost.example.com",
    "mylocalhost",
    "10.0.0.1",
    "128.0.0.1",
    "127.1",
]


@pytest.mark.parametrize("host", THIS_MACHINE + THIS_MACHINE_IN_IPV6)
def test_loopback_names_and_addresses_are_recognized(host: str) -> None:
    written = f"[{host}]" if ":" in host else host

    assert is_loopback_host(host)
    assert is_loopback(f"http://{written}:8080/x")
    assert proxy_for(f"http://{written}:8080", {"http_proxy": "http://proxy.test:1"}) is None


@pytest.mark.parametrize("host", ELSEWHERE)
def test_other_names_and_addresses_are_not_loopback(host: str) -> None:
    assert not is_loopback_host(host)
    assert not is_loopback(f"https://{host}:8080/x")


@pytest.mark.parametrize("url", ["", "localhost", "https://[::1", "https://[nowhere]/"])
def test_an_invalid_url_is_not_loopback(url: str) -> None:
    assert not is_loopback(url)
