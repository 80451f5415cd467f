"""Tests of the inventory against the sandbox AWS, which enforces roles, boundaries and session policies."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from botocore.exceptions import ClientError

from daypass.portal.access.model import AssumeRoleParameters
from daypass.portal.accounts.registry import Accounts, PerAccount
from daypass.portal.aws.broker import AwsBroker
from daypass.portal.aws.factory import make_account
from daypass.portal.aws.tagging import make_finder
from daypass.portal.errors import AwsRefused, AwsTrustRefused
from daypass.portal.inventory.service import Inventory
from daypass.portal.storage.engine import Database
from daypass.portal.tenants.model import Tenant, TenantId
from daypass.portal.tenants.store import TenantStore
from daypass.sandbox.process import SandboxProcess
from tests.fakes import NOON
from tests.fixtures.sandbox import Keys
from tests.portal.access.conftest import ADMIN, Rig, build, caller
from tests.portal.aws.conftest import OwnKeys, aws_config, connected
from tests.portal.inventory.resources import KINDS
from tests.sandbox.world import Resources, World, allow, make_resources, own_resources, trust


@dataclass(slots=True)
class SandboxInventory:
    """An inventory in the sandbox, with the portal's own keys."""

    world: World
    user_arn: str
    keys: OwnKeys
    rig: Rig
    broker: AwsBroker
    inventory: Inventory

    def add(self, role_arn: str, external_id: str | None = None) -> Tenant:
        """Add a tenant to the portal's database."""
        tenant = Tenant.with_role(
            TenantId(self.world.name), self.world.name, self.world.sandbox.region, role_arn, external_id
        )
        with self.rig.database.writing() as connection:
            TenantStore(connection).add(tenant, NOON)
        return tenant


@pytest.fixture
def portal(sandbox: SandboxProcess, sqlite_url: str) -> Iterator[SandboxInventory]:
    world, database = World(sandbox), Database(sqlite_url)
    user_arn, keys = world.user()
    own = OwnKeys(keys.access_key_id, keys.secret_access_key)
    config = replace(aws_config(sandbox.endpoint_url, region=sandbox.region), role_prefix="")
    broker = connected(config, connections=2, session=own.session())
    source = make_finder(config, connections=2, session=own.session())
    for rig in build(database):
        account = make_account(config, broker)
        inventory = Inventory(
            database,
            rig.committer,
            Accounts(account),
            PerAccount({account.name: broker}),
            PerAccount({account.name: source}),
            KINDS,
            rig.clock,
        )
        yield SandboxInventory(world, user_arn, own, rig, broker, inventory)
    database.close()


def _make(world: World) -> tuple[Resources, str]:
    """Create the resources of two tenants; return those of the first, and its API's ARN."""
    resources = make_resources(world, world.name)
    neighbour = World(world.sandbox)
    make_resources(neighbour, neighbour.name)
    tags = {"TENANT_NAME": world.name, "Name": "orders"}
    api = world.client("apigateway").create_rest_api(name="orders", tags=tags)
    return resources, f"arn:aws:apigateway:{world.sandbox.region}::/restapis/{api['id']}"


def test_a_tenant_role_finds_every_kind_and_nothing_of_other_tenants(portal: SandboxInventory) -> None:
    world = portal.world
    resources, api_arn = _make(world)
    may_search = allow("tag:GetResources")
    tenant = portal.add(world.role(trust(portal.user_arn), own_resources(world, world.name), may_search))

    listing = portal.inventory.listing(caller(ADMIN), tenant.name)

    assert [resource.kind.name for resource in listing.resources] == [
        "api-gateway",
        "dynamodb-table",
        "kinesis-stream",
        "s3-bucket",
        "sns-topic",
        "sqs-queue",
    ]
    assert listing.resources[3].arn == f"arn:aws:s3:::{resources.bucket}"
    assert (listing.resources[0].arn, listing.resources[0].name) == (api_arn, "orders")
    assert portal.inventory.owner(caller(ADMIN), api_arn)[0] == tenant


def test_the_inventory_session_can_only_search(portal: SandboxInventory) -> None:
    world = portal.world
    resources, _ = _make(world)
    tenant = portal.add(world.role(trust(portal.user_arn), allow("*")))
    session: AssumeRoleParameters = portal.inventory._session(tenant)

    given = portal.broker.assume(session, attributed=True, deadline=portal.inventory._deadline())

    keys = Keys(given.access_key_id, given.secret_access_key.reveal(), given.session_token.reveal())
    assert world.client("resourcegroupstaggingapi", keys).get_resources()["ResourceTagMappingList"]
    with pytest.raises(ClientError, match="AccessDenied"):
        world.client("s3", keys).get_object(Bucket=resources.bucket, Key="hello.txt")
    with pytest.raises(ClientError, match="AccessDenied"):
        world.client("resourcegroupstaggingapi", keys).get_tag_keys()


def test_the_error_for_a_role_without_search_permission_names_it(portal: SandboxInventory) -> None:
    world = portal.world
    tenant = portal.add(world.role(trust(portal.user_arn), own_resources(world, world.name)))

    with pytest.raises(AwsRefused, match="tag:GetResources") as refused:
        portal.inventory.listing(caller(ADMIN), tenant.name)

    assert tenant.target.role_arn in refused.value.reason


def test_a_role_that_does_not_trust_the_portal_is_an_error(portal: SandboxInventory) -> None:
    stranger, _ = portal.world.user(suffix="stranger")
    tenant = portal.add(portal.world.role(trust(stranger), allow("*")))

    with pytest.raises(AwsTrustRefused):
        portal.inventory.listing(caller(ADMIN), tenant.name)
