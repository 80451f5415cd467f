"""Tests of the inventory service: requests to AWS, visibility, audit events."""

import json
from datetime import timedelta

import pytest

from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import Event
from daypass.portal.errors import (
    AuditUnavailable,
    AwsRefused,
    AwsThrottled,
    AwsTrustRefused,
    Overloaded,
    PortalError,
    ResourceNotFound,
    TenantNotFound,
    Unauthenticated,
)
from daypass.portal.identity.model import User
from daypass.portal.inventory.service import INVENTORY_SESSION, MAX_RESOURCES
from daypass.portal.settings.registry import DISABLE_NON_ADMIN_JIT
from daypass.portal.storage.unit_of_work import UnitOfWork
from daypass.portal.tenants.model import Tenant
from tests.portal.access.conftest import ADMIN, DANA, DATA, DEV, PROD, caller, token_of
from tests.portal.inventory.conftest import InventoryRig
from tests.portal.inventory.resources import KINDS, arns_of, everything_of, tagged

MINUTE = timedelta(minutes=1)


@pytest.fixture
def full(shown: InventoryRig) -> InventoryRig:
    """An inventory whose AWS answers every search with all resources of the account."""
    return _filled(shown)


@pytest.fixture
def full_anywhere(shown_anywhere: InventoryRig) -> InventoryRig:
    """The same inventory on each kind of database in turn."""
    return _filled(shown_anywhere)


def _filled(shown: InventoryRig) -> InventoryRig:
    shown.source.resources = [
        *everything_of("dev01"),
        *everything_of("prod01", "us-west-2"),
        *everything_of("data01", "us-west-2"),
        tagged("arn:aws:ec2:eu-west-1:1:spot-instances-request/sir-1", "dev01"),
        tagged("arn:aws:s3:::somebody-elses", "dev01"),
    ]
    return shown


@pytest.mark.parametrize(
    ("user", "tenant"), [(DANA, DEV), (DANA, PROD), (ADMIN, DEV), (ADMIN, DATA)], ids=lambda it: str(it.id)
)
def test_a_listing_has_the_resources_of_its_tenant_alone(
    full: InventoryRig, user: User, tenant: Tenant
) -> None:
    listing = full.listing(user, tenant.name)

    own = arns_of(tenant.name, tenant.target.region)
    assert [resource.arn for resource in listing.resources] == [*own.values()]
    assert listing.tenant == tenant
    assert listing.is_complete


def test_the_search_is_for_the_tenant_tag_in_a_session_that_can_only_search(full: InventoryRig) -> None:
    full.listing(DANA, "dev01")

    (query,) = full.source.queries
    assert (query.region, query.tag, query.value) == ("eu-west-1", "TENANT_NAME", "dev01")
    assert query.services == KINDS.services
    ((session, is_attributed),) = full.broker.assumed
    assert session.role_arn == DEV.target.role_arn
    assert session.external_id == DEV.target.external_id
    assert session.duration == timedelta(minutes=15)
    assert is_attributed
    # CloudTrail shows the portal, and no user, as the source.
    assert session.session_name == session.source_identity == INVENTORY_SESSION
    policy = json.loads(session.policy or "")
    assert policy["Statement"] == [{"Effect": "Allow", "Action": "tag:GetResources", "Resource": "*"}]


def test_a_read_is_audited_before_aws_is_called_and_is_no_issuance(full_anywhere: InventoryRig) -> None:
    on_record_by_then: list[int] = []
    full_anywhere.broker.during_assume = lambda: on_record_by_then.append(len(full_anywhere.events()))

    full_anywhere.listing(DANA, "dev01")

    assert on_record_by_then == [1]
    (event,) = full_anywhere.events()
    assert (event["actor_id"], event["actor"], event["tenant_id"]) == (DANA.id, DANA.username, DEV.id)
    assert event["outcome"] == "requested"
    assert event["request_id"] == "request-1"
    detail = json.loads(event["detail"]) if isinstance(event["detail"], str) else event["detail"]
    assert detail["address"] == "192.0.2.7"
    assert full_anywhere.broker.assumed[0][0].tags.items() <= detail.items()
    assert full_anywhere.rig.rows() == []


def test_aws_is_not_called_if_the_audit_log_fails(full: InventoryRig) -> None:
    full.rig.committer.close()
    inventory = full.inventory_with(_BrokenCommitter(full.rig.database, full.clock))

    with pytest.raises(AuditUnavailable):
        inventory.listing(caller(DANA), "dev01")

    assert full.broker.assumed == []


class _BrokenCommitter(Committer):
    """Units of work whose commits fail."""

    def commit_unit(self, *_: object, **__: object) -> None:
        raise AuditUnavailable("The portal cannot write its record now.")


@pytest.mark.parametrize("reference", ["data01", DATA.id, "nowhere", "", "\x00", "dev01 "])
def test_a_foreign_tenant_gets_the_error_of_a_missing_one_without_calling_aws(
    full: InventoryRig, reference: str
) -> None:
    with pytest.raises(TenantNotFound) as refused:
        full.listing(DANA, reference)

    assert "data01" not in refused.value.reason.replace(f"“{reference}”", "")
    assert full.broker.assumed == []
    assert full.source.queries == []
    assert full.events() == []


def test_a_cached_listing_is_not_shown_to_users_outside_the_tenant(full: InventoryRig) -> None:
    full.listing(ADMIN, "data01")

    with pytest.raises(TenantNotFound):
        full.listing(DANA, "data01")


def test_a_removed_member_does_not_get_the_cached_listing(full_anywhere: InventoryRig) -> None:
    full_anywhere.listing(DANA, "dev01")
    full_anywhere.rig.remove_member(DANA, DEV)

    with pytest.raises(TenantNotFound):
        full_anywhere.listing(DANA, "dev01")


def test_a_disabled_user_gets_no_listing(full: InventoryRig) -> None:
    full.listing(DANA, "dev01")
    full.rig.revoke(token_of(DANA))

    with pytest.raises(Unauthenticated):
        full.listing(DANA, "dev01")


def test_resources_are_listed_while_jit_access_is_off(full: InventoryRig) -> None:
    full.rig.set(DISABLE_NON_ADMIN_JIT, "true")

    assert full.listing(DANA, "dev01").resources


def test_a_listing_is_read_once_a_minute_for_all_users(full: InventoryRig) -> None:
    full.listing(DANA, "dev01")
    full.listing(ADMIN, DEV.id)
    full.clock.move(MINUTE)
    full.listing(ADMIN, "dev01")
    full.clock.move(MINUTE / 4)
    full.listing(DANA, "dev01", is_fresh=True)

    assert [event["actor"] for event in full.events()] == [DANA.username, ADMIN.username, DANA.username]
    assert len(full.source.queries) == 3


def test_a_role_that_refuses_attribution_is_read_without_it(full_anywhere: InventoryRig) -> None:
    full_anywhere.broker.refuses_attribution = True

    assert full_anywhere.listing(DANA, "dev01").resources

    assert [is_attributed for _, is_attributed in full_anywhere.broker.assumed] == [True, False]


@pytest.mark.parametrize("refusal", [AwsThrottled("a pause"), AwsRefused("no such right")])
def test_an_aws_error_is_raised_and_not_cached(full: InventoryRig, refusal: PortalError) -> None:
    full.source.error = refusal
    with pytest.raises(type(refusal)):
        full.listing(DANA, "dev01")

    full.source.error = None
    assert full.listing(DANA, "dev01").resources


def test_a_role_that_does_not_trust_the_portal_is_an_error(full: InventoryRig) -> None:
    full.broker.assume_error = AwsTrustRefused("The role does not let the portal in.")

    with pytest.raises(AwsTrustRefused):
        full.listing(DANA, "dev01")


def test_pages_read_before_an_aws_error_make_an_incomplete_listing(full: InventoryRig) -> None:
    full.source.page_size, full.source.error, full.source.error_after = 5, AwsThrottled("a pause"), 1

    listing = full.listing(DANA, "dev01")

    assert len(listing.resources) == 5
    assert not listing.is_complete


def test_a_very_large_listing_is_cut(shown: InventoryRig) -> None:
    shown.source.resources = [
        tagged(f"arn:aws:s3:::duploservices-dev01-{number:05}", "dev01")
        for number in range(MAX_RESOURCES + 300)
    ]

    listing = shown.listing(DANA, "dev01")

    assert len(listing.resources) == MAX_RESOURCES
    assert not listing.is_complete


def test_one_resource_is_found_by_its_arn(full: InventoryRig) -> None:
    arn = arns_of("dev01")["sqs-queue"]

    tenant, resource = full.inventory.resource(caller(DANA), "dev01", arn)

    assert tenant == DEV
    assert resource.arn == arn
    for missing in (arns_of("prod01")["sqs-queue"], f"{arn}x", "", "\x00"):
        with pytest.raises(ResourceNotFound):
            full.inventory.resource(caller(DANA), "dev01", missing)


def test_the_owner_is_searched_among_the_tenants_of_the_caller(full: InventoryRig) -> None:
    for arn in arns_of("prod01", "us-west-2").values():
        tenant, resource = full.inventory.owner(caller(DANA), arn)

        assert tenant == PROD
        assert resource.arn == arn


def test_a_part_of_a_resource_leads_to_its_owner(full: InventoryRig) -> None:
    tenant, resource = full.inventory.owner(caller(DANA), "arn:aws:s3:::duploservices-dev01-reports/a/b.csv")

    assert tenant == DEV
    assert resource.kind.name == "s3-bucket"


@pytest.mark.parametrize("kind", arns_of("dev01"))
def test_a_foreign_resource_gets_the_error_of_a_missing_one(full: InventoryRig, kind: str) -> None:
    foreign = arns_of("data01", "us-west-2")[kind]
    missing = arns_of("nowhere", "us-west-2")[kind]
    answers, asked = [], []
    for arn in (foreign, missing):
        with pytest.raises(ResourceNotFound) as refused:
            full.inventory.owner(caller(DANA), arn)
        answers.append(refused.value.reason)
        asked.append([query.value for query in full.source.queries])
        full.clock.move(MINUTE)
        full.source.queries.clear()

    assert answers[0] == answers[1]
    assert asked[0] == asked[1]
    assert "data01" not in asked[0]
    # A name tells the owner without a search; without one, only the tenants of its region are searched.
    assert asked[0] == (["prod01"] if kind == "api-gateway" else [])


def test_an_administrator_finds_everything(full: InventoryRig) -> None:
    for kind, arn in arns_of("data01", "us-west-2").items():
        tenant, resource = full.inventory.owner(caller(ADMIN), arn)
        assert (tenant, resource.kind.name) == (DATA, kind)


def test_an_unreadable_tenant_does_not_stop_the_search(full: InventoryRig) -> None:
    full.source.resources = [
        found for found in full.source.resources if found.tags["TENANT_NAME"] != "data01"
    ]
    full.source.during_search = lambda: _refuse_for(full, "data01")
    arn = arns_of("prod01", "us-west-2")["api-gateway"]

    tenant, _ = full.inventory.owner(caller(ADMIN), arn)

    assert tenant == PROD
    assert [query.value for query in full.source.queries] == ["data01", "prod01"]
    full.clock.move(MINUTE)
    with pytest.raises(AwsThrottled):
        full.inventory.owner(caller(ADMIN), arns_of("nowhere", "us-west-2")["api-gateway"])


def _refuse_for(shown: InventoryRig, tenant: str) -> None:
    refusal = AwsThrottled("a pause") if shown.source.queries[-1].value == tenant else None
    shown.source.error = refusal


def test_a_search_ends_at_the_deadline(full: InventoryRig) -> None:
    passed = iter([0.0, 1.0, 9.0, 9.0])
    inventory = full.inventory_with(full.rig.committer)
    object.__setattr__(inventory, "monotonic", lambda: next(passed))

    with pytest.raises(Overloaded, match="searched in time"):
        inventory.owner(caller(ADMIN), arns_of("nowhere", "us-west-2")["api-gateway"])

    assert len(full.source.queries) == 1


def test_no_listing_is_read_for_a_user_who_is_removed_before_the_audit_commit(
    full_anywhere: InventoryRig,
) -> None:
    committer = _LeavingCommitter(full_anywhere)
    inventory = full_anywhere.inventory_with(committer)

    with pytest.raises(TenantNotFound):
        inventory.listing(caller(DANA), "dev01")

    assert full_anywhere.broker.assumed == []
    assert full_anywhere.events() == []


class _LeavingCommitter(Committer):
    """Units of work that remove a member just before a commit."""

    def __init__(self, shown: InventoryRig) -> None:
        super().__init__(shown.rig.database, shown.clock)
        self._shown = shown

    def commit_unit(self, unit: UnitOfWork[Event]) -> None:
        self._shown.rig.remove_member(DANA, DEV)
        super().commit_unit(unit)
