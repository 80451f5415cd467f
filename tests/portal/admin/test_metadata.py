import pytest

from daypass.portal.access.model import Caller
from daypass.portal.admin.model import MetadataKind, Version
from daypass.portal.audit.event import OPERATOR
from daypass.portal.errors import (
    AccessDenied,
    InvalidRequest,
    MetadataNotFound,
    PreconditionFailed,
    TenantNotFound,
)
from daypass.portal.storage.pagination import PageRequest
from tests.fakes import FakeClock
from tests.portal.admin.conftest import REGION, Administration

TEXT, URL = MetadataKind.TEXT, MetadataKind.URL


def test_metadata_is_stored_with_author_and_time_and_removed(
    administration: Administration, alice: Caller, clock: FakeClock
) -> None:
    notes = administration.metadata
    notes.put("dev01", "owner", TEXT, "team blue", alice)
    notes.put("dev01", "dashboard", URL, "https://grafana.example.com", alice)
    notes.put("dev01", "owner", TEXT, "team green", alice)
    # What says the same again is no change.
    notes.put("dev01", "owner", TEXT, "team green", alice)

    dashboard, owner = notes.of("dev01")
    assert (dashboard.key, dashboard.kind, owner.key, owner.value) == (
        "dashboard",
        URL,
        "owner",
        "team green",
    )
    assert (owner.changed_by, owner.updated_at) == ("alice@example.com", clock())
    notes.remove("dev01", "owner", alice)
    assert [one.key for one in notes.of("dev01")] == ["dashboard"]
    with pytest.raises(MetadataNotFound):
        notes.remove("dev01", "owner", alice)
    told = [
        (subject, detail.get("old.value"), detail.get("new.value"))
        for action in ("metadata.put", "metadata.remove")
        for _, subject, outcome, detail in administration.events(action)
        if outcome == "done"
    ]
    assert told == [
        ("owner", None, "team blue"),
        ("dashboard", None, "https://grafana.example.com"),
        ("owner", "team blue", "team green"),
        ("owner", "team green", None),
    ]


def test_the_metadata_of_all_tenants_is_paged(administration: Administration, alice: Caller) -> None:
    administration.tenants.create("prod01", REGION, OPERATOR)
    for tenant in ("prod01", "dev01"):
        for key in ("owner", "board"):
            administration.metadata.put(tenant, key, TEXT, f"{key} of {tenant}", alice)

    first = administration.metadata.of_tenants(PageRequest(limit=3))
    rest = administration.metadata.of_tenants(PageRequest(first.next_cursor, limit=3))

    found = [(one.tenant, one.key, one.value) for one in (*first.records, *rest.records)]
    assert (len(first.records), rest.next_cursor) == (3, None)
    assert [key for _, key, _ in found] == ["board", "owner"] * 2
    assert {value for _, _, value in found} == {
        f"{key} of {tenant}" for tenant in ("prod01", "dev01") for key in ("owner", "board")
    }
    assert all(value.endswith(f"of {tenant}") for tenant, _, value in found)


def test_metadata_belongs_to_one_tenant_and_is_separate_from_settings(
    administration: Administration, alice: Caller
) -> None:
    administration.tenants.create("prod01", REGION, OPERATOR)
    administration.metadata.put("dev01", "aws_access_token_validity", TEXT, "900", alice)

    assert administration.metadata.of("prod01") == []
    assert administration.settings.of("dev01") == []
    with pytest.raises(MetadataNotFound):
        administration.metadata.find("prod01", "aws_access_token_validity")
    administration.tenants.delete("dev01", alice)
    with pytest.raises(TenantNotFound):
        administration.metadata.of("dev01")
    administration.tenants.create("dev01", REGION, OPERATOR)
    assert administration.metadata.of("dev01") == []


def test_only_administrators_write_metadata(
    administration: Administration, dana: Caller, alice: Caller
) -> None:
    with pytest.raises(AccessDenied):
        administration.metadata.put("dev01", "owner", TEXT, "me", dana)
    administration.metadata.put("dev01", "owner", TEXT, "team blue", alice)
    with pytest.raises(AccessDenied):
        administration.metadata.remove("dev01", "owner", dana)

    assert [one.value for one in administration.metadata.of("dev01")] == ["team blue"]


def test_metadata_changed_concurrently_is_not_overwritten(
    administration: Administration, alice: Caller
) -> None:
    seen = administration.metadata.put("dev01", "owner", TEXT, "blue", alice, Version(""))
    administration.metadata.put("dev01", "owner", TEXT, "green", alice, seen.version)

    for expected in (seen.version, Version("")):
        with pytest.raises(PreconditionFailed):
            administration.metadata.put("dev01", "owner", TEXT, "red", alice, expected)
    with pytest.raises(PreconditionFailed):
        administration.metadata.remove("dev01", "owner", alice, seen.version)


@pytest.mark.parametrize(
    ("key", "kind", "value"),
    [
        ("", TEXT, "x"),
        ("k" * 129, TEXT, "x"),
        ("a\x00b", TEXT, "x"),
        ("/a", TEXT, "x"),
        ("a//b", TEXT, "x"),
        ("k", TEXT, "a\x00b"),
        ("k", TEXT, "x" * 4001),
        ("k", URL, "javascript:alert(1)"),
    ],
)
def test_invalid_metadata_is_refused(
    administration: Administration, alice: Caller, key: str, kind: MetadataKind, value: str
) -> None:
    with pytest.raises(InvalidRequest):
        administration.metadata.put("dev01", key, kind, value, alice)
