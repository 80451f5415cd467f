"""Metadata and keys of issuers: fetched safely, cached, and served while the issuer is down."""

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from daypass.portal.identity.jwt import InvalidToken, Issuers, IssuerUnavailable
from daypass.portal.identity.jwt.cache import CachedValue, Fetched
from daypass.portal.identity.jwt.fetch import LARGEST_RESPONSE, Fetcher
from daypass.portal.identity.jwt.urls import discovery_url, is_endpoint
from tests.fakes import FakeClock
from tests.fixtures.forging_issuer import CANARY, Answer, ForgingIssuer, forging_issuer
from tests.fixtures.signing import ec_key, rsa_key
from tests.waiting import wait_until

ALGORITHMS = ("RS256", "ES256")
DISCOVERY = "/.well-known/openid-configuration"
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
SECOND = timedelta(seconds=1)


def verify(issuers: Issuers, issuer: ForgingIssuer) -> None:
    issuers.verify(issuer.url, issuer.token({"sub": "a"}), ALGORITHMS)


def refused_for(call: Callable[[], object]) -> str:
    with pytest.raises(IssuerUnavailable) as caught:
        call()
    assert CANARY not in str(caught.value)
    return str(caught.value)


def test_nothing_is_fetched_before_it_is_needed(issuer: ForgingIssuer, issuers: Issuers) -> None:
    assert issuer.requests == []

    verify(issuers, issuer)

    assert [request.path for request in issuer.requests] == [DISCOVERY, "/keys"]


@pytest.mark.parametrize(
    ("issuer", "url"),
    [
        ("https://idp.example.com", "https://idp.example.com/.well-known/openid-configuration"),
        ("https://idp.example.com/", "https://idp.example.com/.well-known/openid-configuration"),
        ("https://idp.example.com/a/v2.0", "https://idp.example.com/a/v2.0/.well-known/openid-configuration"),
        ("http://localhost:8080/r", "http://localhost:8080/r/.well-known/openid-configuration"),
        ("http://127.0.0.1:1", "http://127.0.0.1:1/.well-known/openid-configuration"),
        ("http://idp.example.com", None),
        ("https://idp.example.com?a=b", None),
        ("https://idp.example.com/?", None),
        ("https://idp.example.com/#a", None),
        ("https://user@idp.example.com", None),
        ("https://idp.example.com@127.0.0.1", None),
        ("https://idp.example.com\\@127.0.0.1", None),
        ("https://idp.example.com:port", None),
        ("https://idp.example.com/a b", None),
        ("https://idp.example.com/\r\nHost: other", None),
        ("https://idp.éxample.com", None),
        ("https://idp.example.com/" + "a" * 2048, None),
        ("https://", None),
        ("accounts.google.com", None),
        ("file:///etc/passwd", None),
        ("", None),
    ],
)
def test_an_issuer_is_an_https_url_without_query(issuer: str, url: str | None, issuers: Issuers) -> None:
    assert discovery_url(issuer) == url
    if url is None:
        assert "not an https URL" in refused_for(lambda: issuers.metadata(issuer))


@pytest.mark.parametrize(
    ("url", "issuer", "expected"),
    [
        ("https://keys.example.com/a?b=c", "https://idp.example.com", True),
        ("http://127.0.0.1:8080/keys", "http://localhost:8080", True),
        ("https://idp.example.com/keys", "http://localhost:8080", True),
        ("http://keys.example.com/", "https://idp.example.com", False),
        ("http://127.0.0.1/keys", "https://idp.example.com", False),
        ("https://localhost/keys", "https://idp.example.com", False),
        ("https://[::1]/keys", "https://idp.example.com", False),
        ("https://[::ffff:127.0.0.1]/keys", "https://idp.example.com", False),
        ("http://169.254.169.254/latest/meta-data", "https://idp.example.com", False),
        ("http://169.254.169.254/latest/meta-data", "http://localhost:8080", False),
        ("ftp://keys.example.com/", "https://idp.example.com", False),
        ("/keys", "https://idp.example.com", False),
        (["https://keys.example.com"], "https://idp.example.com", False),
        (None, "https://idp.example.com", False),
    ],
)
def test_metadata_cannot_lead_the_portal_to_its_own_machine(url: object, issuer: str, expected: bool) -> None:
    assert is_endpoint(url, issuer) is expected


def test_an_address_inward_in_the_metadata_is_refused(issuer: ForgingIssuer, issuers: Issuers) -> None:
    issuer.metadata_changes["jwks_uri"] = "http://169.254.169.254/latest/meta-data"

    assert "no usable address in jwks_uri" in refused_for(lambda: verify(issuers, issuer))


@pytest.mark.parametrize("path", [DISCOVERY, "/keys"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(
    path: str, status: int, issuer: ForgingIssuer, issuers: Issuers, clock: FakeClock
) -> None:
    with forging_issuer(clock) as inside:
        headers = {"Location": f"{inside.url}{path}"}
        issuer.answers[path] = Answer(status=status, headers=headers)

        assert "redirect" in refused_for(lambda: verify(issuers, issuer))
        assert inside.requests == []


@pytest.mark.parametrize("named", ["{url}/", "{url}/other", "https://idp.example.com", None, ["{url}"]])
def test_the_metadata_names_the_issuer_byte_for_byte(
    named: object, issuer: ForgingIssuer, issuers: Issuers
) -> None:
    if isinstance(named, str):
        named = named.format(url=issuer.url)
    issuer.metadata_changes["issuer"] = named

    assert "is of another issuer" in refused_for(lambda: issuers.metadata(issuer.url))


def test_a_slash_at_the_end_of_an_issuer_counts(issuer: ForgingIssuer, issuers: Issuers) -> None:
    assert "a slash at the end counts" in refused_for(lambda: issuers.metadata(f"{issuer.url}/"))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer({"error": CANARY}, 500), "status 500"),
        (Answer({"error": CANARY}, 404), "status 404"),
        (Answer(CANARY.encode()), "is not a JSON"),
        (Answer(f'{{"a":1,"a":"{CANARY}"}}'.encode()), "is not a JSON"),
        (Answer(b"[]"), "is not a JSON"),
        (Answer(b" " * (LARGEST_RESPONSE + 1)), "larger than 1 MiB"),
        (
            Answer(b"{}", headers={"Content-Length": "100", "Connection": "close"}),
            "is not a JSON|is of another",
        ),
        (Answer(b"{}", headers={"Content-Length": "-"}), "is of another|is not a JSON|complete"),
    ],
)
def test_an_unusable_answer_is_explained_without_its_body(
    answer: Answer, said: str, issuer: ForgingIssuer, issuers: Issuers
) -> None:
    issuer.answers[DISCOVERY] = answer

    with pytest.raises(IssuerUnavailable, match=said) as caught:
        issuers.metadata(issuer.url)

    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    "keys",
    [b"{}", b'{"keys":{}}', b'{"keys":[]}', b'{"keys":[5,null]}', b'{"keys":[{"kty":"oct","k":"AA"}]}'],
)
def test_a_key_set_without_a_usable_key_is_an_outage_and_no_answer(
    keys: bytes, issuer: ForgingIssuer, issuers: Issuers
) -> None:
    issuer.answers["/keys"] = Answer(keys)

    assert f"{issuer.url}/keys" in refused_for(lambda: verify(issuers, issuer))


def test_metadata_is_cached_for_an_hour(issuer: ForgingIssuer, issuers: Issuers, clock: FakeClock) -> None:
    issuers.metadata(issuer.url)
    clock.move(HOUR - SECOND)
    issuers.metadata(issuer.url)
    assert issuer.hits(DISCOVERY) == 1

    clock.move(SECOND)
    issuers.metadata(issuer.url)
    assert issuer.hits(DISCOVERY) == 2


@pytest.mark.parametrize(
    ("header", "lifetime"),
    [
        (None, 5 * MINUTE),
        ("no-store", 5 * MINUTE),
        ("max-age=0", 5 * MINUTE),
        ("public, max-age=1800, must-revalidate", 30 * MINUTE),
        ("Max-Age=1800", 30 * MINUTE),
        ("s-maxage=1800", 5 * MINUTE),
        ("max-age=-5", 5 * MINUTE),
        ("max-age=31536000", 24 * HOUR),
        ("max-age=99999999999999999999", 5 * MINUTE),
    ],
)
def test_keys_are_cached_as_long_as_the_issuer_says_within_limits(
    header: str | None, lifetime: timedelta, issuer: ForgingIssuer, issuers: Issuers, clock: FakeClock
) -> None:
    if header is not None:
        issuer.key_headers["Cache-Control"] = header
    verify(issuers, issuer)
    clock.move(lifetime - SECOND)
    verify(issuers, issuer)
    assert issuer.hits("/keys") == 1

    clock.move(SECOND)
    verify(issuers, issuer)
    assert issuer.hits("/keys") == 2


def test_rotated_keys_are_fetched_when_a_token_names_a_new_one(
    issuer: ForgingIssuer, issuers: Issuers
) -> None:
    verify(issuers, issuer)
    issuer.keys = [ec_key("new")]

    verify(issuers, issuer)

    assert issuer.hits("/keys") == 2


def test_unknown_key_ids_cause_one_request_in_a_minute(
    issuer: ForgingIssuer, issuers: Issuers, clock: FakeClock
) -> None:
    verify(issuers, issuer)
    stranger = ec_key()

    def refuse(number: int) -> None:
        token = issuer.token({}, key=stranger, header={"kid": f"unknown-{number}"})
        with pytest.raises(InvalidToken) as caught:
            issuers.verify(issuer.url, token, ALGORITHMS)
        assert caught.value.reason == "key"

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(refuse, range(1000)))
    assert issuer.hits("/keys") == 2

    clock.move(MINUTE - SECOND)
    refuse(1001)
    assert issuer.hits("/keys") == 2
    clock.move(SECOND)
    refuse(1002)
    assert issuer.hits("/keys") == 3


def test_a_key_that_another_thread_has_fetched_costs_no_further_request(clock: FakeClock) -> None:
    fetches: list[str] = []

    def fetch() -> Fetched[str]:
        fetches.append("fetched")
        return Fetched("value", HOUR)

    cached = CachedValue(clock, fetch)
    cached.get()

    assert cached.refresh(lambda value: value == "value") == "value"
    assert fetches == ["fetched"]
    # That the key is there leaves the one request of this minute to the next unknown key.
    cached.refresh(lambda _: False)
    assert len(fetches) == 2


def test_a_token_of_a_known_key_does_not_wait_for_a_flood_of_unknown_ones(
    issuer: ForgingIssuer, issuers: Issuers
) -> None:
    verify(issuers, issuer)
    gate = threading.Event()
    issuer.answers["/keys"] = Answer(status=500, first=gate.wait)
    unknown = issuer.token({}, key=ec_key("unknown"))
    with ThreadPoolExecutor(2) as threads:
        waiting = threads.submit(issuers.verify, issuer.url, unknown, ALGORITHMS)
        try:
            wait_until(lambda: issuer.hits("/keys") == 2)
            threads.submit(verify, issuers, issuer).result(timeout=20)
        finally:
            gate.set()
        assert isinstance(waiting.exception(), InvalidToken)


def test_threads_that_need_the_same_document_share_one_request(
    issuer: ForgingIssuer, issuers: Issuers
) -> None:
    gate = threading.Event()
    issuer.answers[DISCOVERY] = Answer(issuer.metadata(), first=gate.wait)
    with ThreadPoolExecutor(8) as threads:
        readers = [threads.submit(issuers.metadata, issuer.url) for _ in range(8)]
        wait_until(lambda: issuer.hits(DISCOVERY) == 1)
        gate.set()
        assert all(reader.result() == issuer.metadata() for reader in readers)

    assert issuer.hits(DISCOVERY) == 1


def test_an_outage_is_shared_and_the_issuer_is_left_alone_for_ten_seconds(
    issuer: ForgingIssuer, issuers: Issuers, clock: FakeClock
) -> None:
    gate = threading.Event()
    issuer.answers[DISCOVERY] = Answer(status=503, first=gate.wait)
    with ThreadPoolExecutor(8) as threads:
        readers = [threads.submit(issuers.metadata, issuer.url) for _ in range(8)]
        wait_until(lambda: issuer.hits(DISCOVERY) == 1)
        gate.set()
        assert all(isinstance(reader.exception(), IssuerUnavailable) for reader in readers)
    assert issuer.hits(DISCOVERY) == 1

    del issuer.answers[DISCOVERY]
    clock.move(10 * SECOND - timedelta(microseconds=1))
    refused_for(lambda: issuers.metadata(issuer.url))
    clock.move(timedelta(microseconds=1))
    assert issuers.metadata(issuer.url)["issuer"] == issuer.url


def test_old_values_are_served_for_a_day_while_the_issuer_is_down(
    issuer: ForgingIssuer, issuers: Issuers, clock: FakeClock
) -> None:
    verify(issuers, issuer)
    token = issuer.token({"sub": "a"})
    issuer.close()

    clock.move(24 * HOUR + 5 * MINUTE - SECOND)
    issuers.verify(issuer.url, token, ALGORITHMS)
    clock.move(SECOND)
    said = refused_for(lambda: issuers.verify(issuer.url, token, ALGORITHMS))

    assert "The connection to" in said


def test_a_thread_that_has_an_old_value_does_not_wait_for_the_one_that_fetches(
    issuer: ForgingIssuer, issuers: Issuers, clock: FakeClock
) -> None:
    verify(issuers, issuer)
    clock.move(5 * MINUTE)
    gate = threading.Event()
    issuer.answers["/keys"] = Answer(status=500, first=gate.wait)
    with ThreadPoolExecutor(2) as threads:
        fetching = threads.submit(verify, issuers, issuer)
        try:
            wait_until(lambda: issuer.hits("/keys") == 2)
            threads.submit(verify, issuers, issuer).result(timeout=20)
        finally:
            gate.set()
        assert fetching.exception() is None


def test_one_issuer_that_is_down_does_not_disturb_another(
    issuer: ForgingIssuer, issuers: Issuers, clock: FakeClock
) -> None:
    with forging_issuer(clock, [rsa_key(number=2)]) as other:
        issuer.answers[DISCOVERY] = Answer(status=500)
        refused_for(lambda: verify(issuers, issuer))

        verify(issuers, other)


@pytest.mark.parametrize(
    "pieces",
    [
        [b""],
        [b"HTTP/1.1 200 OK\r\n"] + [b"X: y\r\n"] * 400,
        [b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n"] + [b" "] * 4000,
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"] + [b"1\r\n \r\n"] * 4000,
    ],
    ids=["silence", "head", "body", "chunks"],
)
def test_a_slow_answer_ends_at_the_limit_however_it_drips(pieces: list[bytes], clock: FakeClock) -> None:
    done = threading.Event()
    listening = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(65536)
            for piece in pieces:
                if done.wait(0.02):
                    return
                connection.sendall(piece)
            done.wait(30)

    sender = threading.Thread(target=drip)
    sender.start()
    try:
        issuers = Issuers(clock, Fetcher(time_limit=0.3, environment={}))
        started = time.monotonic()
        said = refused_for(lambda: issuers.metadata(f"http://127.0.0.1:{listening.getsockname()[1]}"))
        assert "did not answer within 0.3 seconds" in said
        assert time.monotonic() - started < 5
    finally:
        done.set()
        sender.join()
        listening.close()
