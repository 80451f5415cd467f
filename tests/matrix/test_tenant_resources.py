"""Access of a tenant's session to its own resources, and to those of other tenants, in every service."""

from pathlib import Path

import pytest

from tests.matrix.clients import ADMINISTRATOR, DENIED, OK, SIMILAR, Clients, result_of
from tests.matrix.kinds import KINDS, Kind
from tests.matrix.kinds.compute import create_function
from tests.matrix.resources import OWN, create, create_own, place

OTHERS = ("prod01", SIMILAR)

each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
each_by_tag = pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind.is_found_by_tag], ids=lambda kind: kind.name
)


@each_kind
def test_a_tenant_creates_uses_and_starts_its_own_resources(clients: Clients, kind: Kind) -> None:
    own, client = create_own(clients, kind), clients.of(kind.service)

    if kind.start is not None:
        assert result_of(kind.start, client, own) == OK
    assert result_of(kind.use, client, own) == OK


@each_kind
@pytest.mark.parametrize("tenant", OTHERS)
def test_a_tenant_is_denied_on_another_tenants_resource(clients: Clients, kind: Kind, tenant: str) -> None:
    other, client = create(clients, kind, tenant), clients.of(kind.service)

    found = {
        "create": result_of(lambda: create(clients, kind, tenant, by="full")),
        "use": result_of(kind.use, client, other),
        "tag as own": result_of(kind.tag, client, other, "TENANT_NAME", OWN),
    }
    if kind.start is not None:
        found["start"] = result_of(kind.start, client, other)

    assert set(found.values()) == {DENIED}, found


@each_by_tag
def test_a_tenant_is_denied_on_a_resource_without_a_tenant(clients: Clients, kind: Kind) -> None:
    # A tag that no rule reads.
    at = place(clients, OWN).with_other_tag()
    other, client = kind.create(clients.of(kind.service, ADMINISTRATOR), at), clients.of(kind.service)

    found = {
        "use": result_of(kind.use, client, other),
        "tag as own": result_of(kind.tag, client, other, "TENANT_NAME", OWN),
    }
    assert set(found.values()) == {DENIED}, found


@each_kind
def test_the_tag_of_the_tenant_cannot_be_given_away(clients: Clients, kind: Kind) -> None:
    own, client = create_own(clients, kind), clients.of(kind.service)

    # Otherwise the refusals below would say nothing about the tag.
    other_tag = result_of(kind.tag, client, own, "Team", "web")
    # The sandbox has no tags of AWS Batch, and says so once IAM has allowed the request.
    assert (other_tag == DENIED) is not kind.is_tagged_by_tenant, other_tag
    found = {
        key: result_of(kind.tag, client, own, key, "prod01")
        for key in ("TENANT_NAME", "tenant_name", "daypass:issuance")
    }

    assert set(found.values()) == {DENIED}, found


def test_an_invoked_function_of_a_tenant_is_not_executed(clients: Clients, tmp_path: Path) -> None:
    functions = clients.of("lambda")
    own = create_function(functions, place(clients, OWN), f"open({str(tmp_path / 'ran')!r}, 'w')")

    assert functions.invoke(FunctionName=own, Payload=b"{}")["StatusCode"] == 200
    assert functions.invoke(FunctionName=own, InvocationType="Event", Payload=b"{}")["StatusCode"] == 202

    assert not (tmp_path / "ran").exists()
