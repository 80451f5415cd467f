"""The form of each kind of private file: other releases on the same machine read and write the same bytes."""

import json
from typing import TYPE_CHECKING, NamedTuple

import pytest

from daypass.cli.auth.pending_login import PendingLogin, PushedRequest
from daypass.cli.auth.session_store import DeclinedPrompt, StoredSession
from daypass.cli.cache.credentials import Credentials, Metadata
from daypass.cli.cache.files import CacheFile
from daypass.cli.cache.session_id import DefaultPortal, SessionId, SignedInPortal
from daypass.cli.cache.tenant_names import TenantNames

if TYPE_CHECKING:
    from daypass.cli.cache.files import Record

PORTAL = "https://portal.example.com"

METADATA = Metadata(
    portal=PORTAL,
    what="tenant dev01",
    tenant="tenant-1",
    role="arn:aws:iam::123456789012:role/r",
    user="user-1",
    username="dana@example.com",
    region="us-west-2",
    access="admin",
)

SESSION = StoredSession(
    id="session-1",
    username="dana@example.com",
    allows_admin=False,
    access="access",
    access_until=4600.5,
    refresh="refresh",
    since=1000.5,
    until=44200.5,
)

PUSHED = PushedRequest(
    request_uri="urn:1",
    match_code="42",
    state="state",
    verifier="verifier",
    redirect_uri="http://127.0.0.1:1/cb",
    lifetime=90,
)


class Stored(NamedTuple):
    """A record, its suffix, and the content of its file as version 0.1.0 wrote it."""

    record: "Record"
    suffix: str
    digest: bytes
    rest: bytes

    @property
    def content(self) -> bytes:
        return b"daypass-cache-1 " + self.digest + b"\n" + self.rest


STORED = {
    "credentials": Stored(
        Credentials(b'{"Version": 1}\n', METADATA.to_json(), 1000, 2000),
        ".keys",
        b"31b3cb22737b35c3d7bc9edb356c5e160c60d99ed1e6480db1c669a40abac392",
        b'1000 2000\n{"portal": "https://portal.example.com", "what": "tenant dev01", "tenant": "tenant-1", '
        b'"role": "arn:aws:iam::123456789012:role/r", "user": "user-1", "username": "dana@example.com", '
        b'"region": "us-west-2", "access": "admin"}\n{"Version": 1}\n',
    ),
    "session": Stored(
        SESSION,
        ".sign-in",
        b"239397ddc348cf8adc58106a3800b0836e83d7a9c78fcc9f95e2b33e1c0a9798",
        b'1000 44200\nsession-1\n{"access": "access", "access_until": 4600.5, "allows_admin": false, '
        b'"id": "session-1", "refresh": "refresh", "since": 1000.5, "until": 44200.5, '
        b'"username": "dana@example.com"}',
    ),
    "signed-in portal": Stored(
        SignedInPortal(PORTAL, 1000, 44200),
        ".portal",
        b"da2ce1cf19854cf1ce62dbfdf4ba5335d3bf7d9782b3190cbde6581e70865e34",
        b"1000 44200\nhttps://portal.example.com\n",
    ),
    "default portal": Stored(
        DefaultPortal(PORTAL),
        ".choice",
        b"a41eb201f8454625e8f8544222c102691b82a36ec9953c40f0c5d5f484782224",
        b"0 1099511627776\nhttps://portal.example.com\n",
    ),
    "pending login": Stored(
        PendingLogin(PUSHED, 1, "/cb", 1000),
        ".pending",
        b"75c2daaa95e306177552069a61076bd6bbbc961dd058daa0c5d70560c2ee9b0d",
        b'1000 1090\n\n{"pushed": {"request_uri": "urn:1", "match_code": "42", "state": "state", '
        b'"verifier": "verifier", "redirect_uri": "http://127.0.0.1:1/cb", "life": 90}, "port": 1, '
        b'"path": "/cb"}',
    ),
    "declined prompt": Stored(
        DeclinedPrompt(1000.5),
        ".declined",
        b"b792262c5ad2c499d6b2661f1a7f1ff9f893d831151851111ac4acacb090d522",
        b"1000 1060\n1000.5\n",
    ),
    "tenant names": Stored(
        TenantNames(PORTAL, ["dev01"]),
        ".tenants",
        b"f73b18d078a51d863e4669db6a980f95d7b7cb746e1aa6a7ae2b5fb698b29597",
        b'0 1099511627776\nhttps://portal.example.com\n["dev01"]',
    ),
}


@pytest.mark.parametrize("stored", STORED.values(), ids=STORED)
def test_a_record_is_written_in_the_form_of_earlier_releases(stored: Stored) -> None:
    assert stored.suffix == stored.record.SUFFIX
    assert stored.record.to_file().to_bytes() == stored.content


@pytest.mark.parametrize("stored", STORED.values(), ids=STORED)
def test_a_file_of_an_earlier_release_is_read_completely(stored: Stored) -> None:
    read = type(stored.record).from_file(CacheFile.from_bytes(stored.content))

    assert read is not None
    assert read.to_file().to_bytes() == stored.content


def test_the_id_of_a_session_is_read_without_its_tokens() -> None:
    assert SessionId.SUFFIX == StoredSession.SUFFIX
    assert SessionId.from_file(SESSION.to_file()).text == SESSION.id


def test_metadata_of_another_version_may_lack_fields_or_have_more() -> None:
    metadata = Metadata.from_json(json.dumps({"what": "tenant dev01", "new": 1}).encode())

    assert (metadata.what, metadata.tenant, metadata.access) == ("tenant dev01", None, None)


@pytest.mark.parametrize(("now", "is_recent"), [(999, False), (1000.4, True), (1059, True), (1060, False)])
def test_a_declined_prompt_is_recent_for_a_minute(now: float, is_recent: bool) -> None:
    assert DeclinedPrompt(1000.5).is_recent(now) is is_recent


@pytest.mark.parametrize(("now", "can_be"), [(999, False), (1000, True), (1089, True), (1090, False)])
def test_a_pending_login_can_be_answered_until_its_request_expires(now: float, can_be: bool) -> None:
    assert PendingLogin(PUSHED, 1, "/cb", 1000).can_be_answered(now) is can_be
