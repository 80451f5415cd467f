"""Selection of the proxy from the environment, by the rules of curl and urllib."""

import base64
import urllib.request

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.common.proxies import ProxyError, is_excluded, proxy_for

HTTPS = "https://portal.example.com"
HTTP = "http://portal.example.com"


@pytest.mark.parametrize(
    ("environment", "url", "address"),
    [
        ({}, HTTPS, None),
        ({"HTTPS_PROXY": "http://p:3128"}, HTTPS, "http://p:3128"),
        ({"https_proxy": "http://p:3128"}, HTTPS, "http://p:3128"),
        ({"https_proxy": "http://low:1", "HTTPS_PROXY": "http://up:2"}, HTTPS, "http://low:1"),
        ({"https_proxy": "", "HTTPS_PROXY": "http://up:2"}, HTTPS, None),
        ({"HTTPS_PROXY": "p:3128"}, HTTPS, "http://p:3128"),
        ({"HTTPS_PROXY": "//p:3128"}, HTTPS, "http://p:3128"),
        ({"HTTPS_PROXY": "http://p"}, HTTPS, "http://p:80"),
        ({"HTTPS_PROXY": "HTTP://[2001:db8::1]:3128/"}, HTTPS, "http://[2001:db8::1]:3128"),
        ({"HTTPS_PROXY": "http://p:1"}, HTTP, None),
        ({"HTTP_PROXY": "http://p:1"}, HTTPS, None),
        ({"HTTP_PROXY": "http://p:1"}, HTTP, "http://p:1"),
        ({"http_proxy": "http://p:1"}, HTTP, "http://p:1"),
        ({"HTTP_PROXY": "http://attacker:1", "REQUEST_METHOD": "GET"}, HTTP, None),
        ({"http_proxy": "http://p:1", "REQUEST_METHOD": "GET"}, HTTP, "http://p:1"),
        ({"ALL_PROXY": "http://p:1"}, HTTPS, "http://p:1"),
        ({"all_proxy": "http://p:1"}, HTTP, "http://p:1"),
        ({"ALL_PROXY": "http://all:1", "HTTPS_PROXY": "http://p:2"}, HTTPS, "http://p:2"),
        ({"ALL_PROXY": "socks5h://p:1080"}, HTTPS, None),
    ],
)
def test_the_variable_of_the_scheme_names_the_proxy(
    environment: dict[str, str], url: str, address: str | None
) -> None:
    proxy = proxy_for(url, environment)

    assert (None if proxy is None else proxy.address) == address


@pytest.mark.parametrize(
    "host", ["localhost", "localhost.", "a.localhost", "127.0.0.1", "127.9.9.9", "[::1]"]
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_loopback_never_uses_a_proxy(scheme: str, host: str) -> None:
    every = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"), "http://p:1")

    assert proxy_for(f"{scheme}://{host}:8080", every) is None


@pytest.mark.parametrize(
    ("no_proxy", "host", "is_direct"),
    [
        ("*", "example.com", True),
        ("other.net, example.com", "example.com", True),
        ("other.net example.com", "example.com", True),
        ("example.com", "portal.example.com", True),
        (".example.com", "portal.example.com", True),
        ("*.example.com", "portal.example.com", True),
        ("EXAMPLE.com.", "portal.example.COM", True),
        ("example.com", "anexample.com", False),
        ("portal.example.com", "example.com", False),
        ("example.com:443", "example.com", True),
        ("example.com:8443", "example.com", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("2.3", "10.1.2.3", False),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.0.0.0/8", "portal.example.com", False),
        ("10.0.0.0/nonsense", "10.1.2.3", False),
        ("2001:db8::/32", "2001:db8::7", True),
        ("[2001:DB8::7]", "2001:db8:0::7", True),
        ("[2001:db8::7]:443", "2001:db8::7", True),
        ("[2001:db8::7]:1", "2001:db8::7", False),
        ("", "example.com", False),
        (" , .,", "example.com", False),
    ],
)
def test_no_proxy_lists_names_domains_addresses_networks_and_ports(
    no_proxy: str, host: str, is_direct: bool
) -> None:
    assert is_excluded(host, 443, no_proxy) is is_direct


LABELS = st.sampled_from(["a", "b", "example", "com", "internal"])
NAMES = st.lists(LABELS, min_size=1, max_size=3).map(".".join)
ENTRIES = st.tuples(st.sampled_from(["", "."]), NAMES, st.sampled_from(["", ":443", ":8443"])).map("".join)


@given(host=NAMES, entries=st.lists(ENTRIES, max_size=3), port=st.sampled_from([443, 8443]))
def test_no_proxy_excludes_the_names_that_urllib_and_botocore_exclude(
    host: str, entries: list[str], port: int
) -> None:
    no_proxy = ",".join(entries)

    # botocore's `should_bypass_proxies` calls this function with the authority of the URL.
    theirs = urllib.request.proxy_bypass_environment(  # type: ignore[attr-defined]  # not in typeshed
        f"{host}:{port}", {"no": no_proxy}
    )

    assert is_excluded(host, port, no_proxy) == bool(theirs)


@pytest.mark.parametrize(
    "value",
    [
        "https://p:3128",
        "socks5://p:1080",
        "http://p:port",
        "http://:3128",
        "http://user:canary#password@p:3128",
        "http://user:7/canary@p:3128",
        "http://user:canary@p:3128\nHost: x",
        "http://user:canary@p q:3128",
    ],
)
def test_an_unusable_proxy_is_named_by_its_variable_without_the_password(value: str) -> None:
    with pytest.raises(ProxyError, match="HTTPS_PROXY") as raised:
        proxy_for(HTTPS, {"HTTPS_PROXY": value})

    assert raised.value.needs_setup
    assert "canary" not in str(raised.value)


def test_user_and_password_are_sent_to_the_proxy_and_never_printed() -> None:
    proxy = proxy_for(HTTPS, {"HTTPS_PROXY": "http://dana%40corp:p%2Fcanary%23@p:3128"})

    assert proxy is not None
    login = proxy.headers()["Proxy-Authorization"].removeprefix("Basic ")
    assert base64.b64decode(login) == b"dana@corp:p/canary#"
    assert proxy.url == "http://dana%40corp:p%2Fcanary%23@p:3128"
    assert "canary" not in f"{proxy} {proxy!r} {proxy.address}"
