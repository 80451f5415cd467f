"""A changed access level: cached credentials with the old one are removed by the next call that shows it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from daypass.cli.cache.files import CacheFile
from tests.cli.conftest import TOKEN, Inside
from tests.cli.stub import ReceivedRequest, Reply, StubPortal

REVEALING_COMMANDS = [
    ("tenants",),
    ("tenants", "--output", "json"),
    ("configure", "--tenant", "prod01"),
    ("web", "--tenant", "prod01", "--print", "s3"),
    ("aws", "--tenant", "dev01", "--duration", "2h"),
    ("aws", "--tenant", "dev01", "--no-cache"),
]


@pytest.mark.parametrize("words", REVEALING_COMMANDS, ids=" ".join)
@pytest.mark.parametrize(("before", "after"), [("read-only", "full"), ("full", "read-only")])
def test_credentials_with_the_old_access_are_removed_with_a_message(
    inside: Inside, portal: StubPortal, words: tuple[str, ...], before: str, after: str
) -> None:
    portal.access = before
    old = inside("aws", "--tenant", "dev01")
    portal.access = after
    assert inside("aws", "--tenant", "dev01").out == old.out

    ran = inside(*words)

    assert ran.code == 0
    assert "Your access to dev01 has changed" in ran.err
    assert inside("aws", "--tenant", "dev01").out != old.out


@pytest.mark.parametrize("words", REVEALING_COMMANDS, ids=" ".join)
def test_credentials_stay_cached_while_the_access_is_unchanged(
    inside: Inside, words: tuple[str, ...]
) -> None:
    cached = inside("aws", "--tenant", "dev01")
    admin = inside("aws", "--admin")

    assert "changed" not in inside(*words).err

    assert inside("aws", "--tenant", "dev01").out == cached.out
    assert inside("aws", "--admin").out == admin.out


def test_credentials_for_other_tenants_and_admin_access_stay_cached(
    inside: Inside, portal: StubPortal
) -> None:
    admin, other = inside("aws", "--admin"), inside("aws", "--tenant", "prod01")
    portal.access = "read-only"
    inside("aws", "--tenant", "dev01")

    assert inside("aws", "--admin").out == admin.out
    assert inside("aws", "--tenant", "prod01").out == other.out


def test_credentials_for_the_same_tenant_at_another_portal_stay_cached(inside: Inside) -> None:
    cached = inside("aws", "--tenant", "dev01")
    other = StubPortal()
    other.access = "read-only"
    try:
        inside("tenants", DAYPASS_HOST=other.url)
    finally:
        other.close()

    assert inside("aws", "--tenant", "dev01").out == cached.out


def issuing(
    portal: StubPortal, change: Callable[[dict[str, Any]], object]
) -> Callable[[ReceivedRequest], Reply]:
    """Return the usual replies, with *change* applied to those that contain credentials."""

    def reply(asked: ReceivedRequest) -> Reply:
        usual = portal.usual(asked)
        if asked.path != "/api/v1/sessions":
            return usual
        fields = json.loads(usual.body)
        change(fields)
        return Reply(usual.status, json.dumps(fields).encode(), usual.headers)

    return reply


def test_credentials_of_another_user_stay_cached(inside: Inside, portal: StubPortal) -> None:
    cached = inside("aws", "--tenant", "dev01")
    portal.access = "read-only"
    portal.reply = issuing(portal, lambda fields: fields["user"].update(id="user-2"))

    assert inside("aws", "--tenant", "dev01", DAYPASS_TOKEN=TOKEN[::-1]).out != cached.out

    assert inside("aws", "--tenant", "dev01").out == cached.out


def test_an_answer_without_the_access_removes_no_credentials(inside: Inside, portal: StubPortal) -> None:
    cached = inside("aws", "--tenant", "dev01")
    portal.reply = issuing(portal, lambda fields: fields.pop("access"))

    assert "changed" not in inside("aws", "--tenant", "dev01", "--no-cache").err

    assert inside("aws", "--tenant", "dev01").out == cached.out


def test_credentials_cached_by_an_earlier_version_stay(inside: Inside) -> None:
    cached = inside("aws", "--tenant", "dev01")
    (file,) = (inside.home / ".cache" / "daypass").glob("*.keys")
    stored = CacheFile.from_bytes(file.read_bytes())
    about = {name: value for name, value in json.loads(stored.header).items() if name != "access"}
    earlier = CacheFile(stored.valid_from, stored.valid_until, json.dumps(about).encode(), stored.body)
    file.write_bytes(earlier.to_bytes())

    assert "changed" not in inside("tenants").err

    assert inside("aws", "--tenant", "dev01").out == cached.out
