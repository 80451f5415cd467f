import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from sqlalchemy import insert, update

from daypass.portal.access.model import Caller
from daypass.portal.admin.model import TenantQuery
from daypass.portal.admin.tenants.service import Tenants
from daypass.portal.audit.event import OPERATOR
from daypass.portal.errors import AccessDenied, AwsRefused, InvalidRequest, PreconditionFailed, TenantNotFound
from daypass.portal.storage.pagination import PageRequest
from daypass.portal.storage.schema.access import issuances
from daypass.portal.storage.schema.tenants import tenants
from daypass.portal.tenants.model import Access, Tenant
from tests.fakes import nothing_happens
from tests.portal.admin.conftest import ACCOUNT, REGION, RULES, Administration
from tests.settings import put_text

OTHER_ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/other"


def test_a_tenant_gets_the_role_of_its_name(administration: Administration, alice: Caller) -> None:
    made = administration.tenants.create("prod01", REGION, alice)

    assert made.tenant.target.role_arn == f"arn:aws:iam::{ACCOUNT}:role/duploservices-prod01"
    assert len(made.tenant.target.external_id or "") == 32
    assert administration.tenants.find("prod01") == made
    assert administration.tenants.find(made.tenant.id) == made
    actor, subject, outcome, detail = administration.events("tenant.create")[-1]
    assert (actor, subject, outcome) == ("alice@example.com", "prod01", "done")
    assert detail["new.role_arn"] == made.tenant.target.role_arn


def test_a_tenant_can_be_created_with_an_existing_role(administration: Administration, alice: Caller) -> None:
    made = administration.tenants.create("prod01", REGION, alice, role_arn=OTHER_ROLE, external_id="x-1")

    assert (made.tenant.target.role_arn, made.tenant.target.external_id) == (OTHER_ROLE, "x-1")


def test_an_invalid_or_taken_tenant_name_is_refused(administration: Administration, alice: Caller) -> None:
    for name in ("dev01", "dev01-a", "Dev02", "a", "-a", "a--b", "a\0b", "x" * 33, "", "dev_1"):
        with pytest.raises(InvalidRequest):
            administration.tenants.create(name, REGION, alice)

    assert administration.tenants.count(TenantQuery()) == 1


def test_a_name_that_is_a_prefix_of_another_is_refused(administration: Administration, alice: Caller) -> None:
    administration.tenants.create("team-one-two", REGION, alice)

    for name in ("team", "team-one"):
        with pytest.raises(InvalidRequest, match="share names"):
            administration.tenants.create(name, REGION, alice)
    administration.tenants.create("team-on", REGION, alice)


def test_a_shared_foreign_or_malformed_role_is_refused(administration: Administration, alice: Caller) -> None:
    made = administration.tenants.create("prod01", REGION, alice)

    for role_arn in (
        f"arn:aws:iam::{ACCOUNT}:role/x;touch${{IFS}}pwned;#/theirs",
        f"arn:aws:iam::{ACCOUNT}:role/a b/theirs",
        f"arn:aws:iam::{ACCOUNT}:role/it's/theirs",
        "duploservices-x",
        f"arn:aws:iam::{ACCOUNT}:user/x",
        "arn:aws:iam::999999999999:role/x",
        f"arn:aws-cn:iam::{ACCOUNT}:role/x",
        f"arn:aws:iam::{ACCOUNT}:role/x y",
        f"arn:aws:iam::{ACCOUNT}:role/x\n",
        RULES.account.master_target.role_arn,
        f"arn:aws:iam::{ACCOUNT}:role/daypassmaster",
        f"arn:aws:iam::{ACCOUNT}:role/duploservices-dev01",
        f"arn:aws:iam::{ACCOUNT}:role/DuploServices-Dev01",
        f"arn:aws:iam::{ACCOUNT}:role/team/Daypass-set-dev01.analyst",
    ):
        with pytest.raises(InvalidRequest):
            administration.tenants.create("data01", REGION, alice, role_arn=role_arn)
        with pytest.raises(InvalidRequest):
            administration.tenants.update(made.tenant.id, alice, role_arn=role_arn)


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("us-iso-east-1", "aws-iso"),
        ("eusc-de-east-1", "aws-eusc"),
    ],
)
def test_a_region_of_another_partition_is_refused(
    administration: Administration, alice: Caller, region: str, partition: str
) -> None:
    says = f"{region} is in the AWS partition {partition}, and this portal is in the partition aws"
    with pytest.raises(InvalidRequest, match=says):
        administration.tenants.create("prod01", region, alice)
    with pytest.raises(InvalidRequest, match=says):
        administration.tenants.update("dev01", alice, region=region)

    assert administration.tenants.find("dev01").tenant.target.region == REGION


def test_a_tenant_whose_region_only_older_versions_accepted_can_get_another_role(
    administration: Administration, alice: Caller
) -> None:
    with administration.database.writing() as connection:
        connection.execute(update(tenants).where(tenants.c.name == "dev01").values(region="cn-north-1"))
    role = administration.tenants.find("dev01").tenant.target.role_arn + "-2"

    changed = administration.tenants.update("dev01", alice, role_arn=role)

    assert (changed.tenant.target.role_arn, changed.tenant.target.region) == (role, "cn-north-1")


def test_a_malformed_region_is_refused(administration: Administration, alice: Caller) -> None:
    for region in ("", "x", "EU-central-1", "eu-central-1 ", "../../x", "eu-central-1.evil", "us-east-1a"):
        with pytest.raises(InvalidRequest, match="region"):
            administration.tenants.create("prod01", region, alice)


def test_a_misspelled_region_is_refused_with_the_nearest_name(
    administration: Administration, alice: Caller
) -> None:
    says = "us-est-1 is not an AWS region. Did you mean us-east-1"
    with pytest.raises(InvalidRequest, match=says):
        administration.tenants.create("prod01", "us-est-1", alice)
    with pytest.raises(InvalidRequest, match=says):
        administration.tenants.update("dev01", alice, region="us-est-1")


def test_a_region_named_by_the_operator_is_accepted(administration: Administration, alice: Caller) -> None:
    rules = replace(RULES, extra_regions={"nz-south-1"})

    made = replace(administration.tenants, role_naming=rules).create("prod01", "nz-south-1", alice)

    assert made.tenant.target.region == "nz-south-1"


def test_only_administrators_change_tenants(administration: Administration, dana: Caller) -> None:
    with pytest.raises(AccessDenied):
        administration.tenants.create("prod01", REGION, dana)
    with pytest.raises(AccessDenied):
        administration.tenants.update("dev01", dana, region="eu-west-1")
    with pytest.raises(AccessDenied):
        administration.tenants.delete("dev01", dana)


def test_a_changed_tenant_is_recorded_with_its_old_values(
    administration: Administration, alice: Caller
) -> None:
    loaded = administration.tenants.find("dev01").version

    changed = administration.tenants.update("dev01", alice, region="eu-west-1", expected=loaded)

    assert changed.tenant.target.region == "eu-west-1"
    _, _, _, detail = administration.events("tenant.update")[-1]
    assert (detail["old.region"], detail["new.region"]) == (REGION, "eu-west-1")
    with pytest.raises(PreconditionFailed):
        administration.tenants.update("dev01", alice, region="eu-west-2", expected=loaded)
    with pytest.raises(PreconditionFailed):
        administration.tenants.delete("dev01", alice, expected=loaded)


def test_deleting_a_tenant_deletes_its_memberships_and_settings(
    administration: Administration, alice: Caller
) -> None:
    tenant = administration.tenants.find("dev01").tenant
    administration.members.put("dev01", "dana@example.com", Access.FULL, alice)
    put_text(administration.settings, "dev01", "", "aws_access_token_validity", "1800", alice)

    administration.tenants.delete("dev01", alice)

    with pytest.raises(TenantNotFound):
        administration.tenants.find(tenant.id)
    assert administration.users.memberships("dana@example.com") == []
    assert administration.settings.of_tenants(PageRequest()).records == []


@dataclass
class Maker:
    """Creates roles, or raises `refusal`."""

    refusal: AwsRefused | None = None
    made: list[Tenant] = field(default_factory=list)
    emptied: list[Tenant] = field(default_factory=list)
    restored: list[Tenant] = field(default_factory=list)
    asked: list[Tenant] = field(default_factory=list)
    """The names of tenants whose roles were emptied or restored."""
    meanwhile: Callable[[], object] = nothing_happens

    def make(self, tenant: Tenant) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.made.append(tenant)

    def empty(self, tenant: Tenant) -> bool:
        self.asked.append(tenant)
        if self.refusal is not None:
            raise self.refusal
        self.meanwhile()
        is_ours = tenant in self.made
        self.emptied += [tenant] * is_ours
        return is_ours

    def restore(self, tenant: Tenant) -> bool:
        self.asked.append(tenant)
        is_ours = tenant.target.role_arn in {one.target.role_arn for one in self.made}
        self.restored += [tenant] * is_ours
        return is_ours


def test_a_role_is_created_for_a_tenant_without_one(administration: Administration, alice: Caller) -> None:
    maker = Maker()
    tenants = Tenants(administration.tenants.executor, RULES, maker)

    made = tenants.create("prod01", REGION, alice)
    tenants.create("data01", REGION, alice, role_arn=OTHER_ROLE)

    assert maker.made == [made.tenant]


def test_no_role_is_created_for_a_refused_tenant(
    administration: Administration, alice: Caller, dana: Caller
) -> None:
    maker = Maker()
    tenants = Tenants(administration.tenants.executor, RULES, maker)

    for name, by in (("dev01", alice), ("prod01", dana)):
        for role_arn in (None, RULES.own(name)):
            with pytest.raises((InvalidRequest, AccessDenied)):
                tenants.create(name, REGION, by, role_arn=role_arn)

    assert maker.made == maker.asked == []


def test_a_tenant_whose_role_cannot_be_created_is_not_created(
    administration: Administration, alice: Caller
) -> None:
    tenants = Tenants(administration.tenants.executor, RULES, Maker(AwsRefused("AWS said no.")))

    with pytest.raises(AwsRefused):
        tenants.create("prod01", REGION, alice)

    with pytest.raises(TenantNotFound):
        tenants.find("prod01")


def test_tenants_are_searched_and_paged(administration: Administration) -> None:
    for name in ("prod01", "prod02", "data01"):
        administration.tenants.create(name, REGION, OPERATOR)

    first = administration.tenants.page(TenantQuery(search="01"), PageRequest(limit=2))
    second = administration.tenants.page(TenantQuery(search="01"), PageRequest(first.next_cursor, 2))

    names = [record.tenant.name for page in (first, second) for record in page.records]
    assert names == ["data01", "dev01", "prod01"]
    assert second.next_cursor is None
    assert administration.tenants.count(TenantQuery(search="prod")) == 2


HOUR = timedelta(hours=1)


def issue(administration: Administration, tenant: Tenant, **more: object) -> None:
    """Insert a session of that tenant that lasts one hour from now."""
    now = administration.clock()
    row = {
        "id": uuid.uuid4().hex,
        "user_id": "user",
        "username": "dana@example.com",
        "scope": "tenant",
        "tenant_id": tenant.id,
        "tenant_name": tenant.name,
        "role_arn": tenant.target.role_arn,
        "access": "full",
        "purpose": "keys",
        "door": "api",
        "address": "192.0.2.1",
        "reason": "",
        "state": "issued",
        "asked_at": now,
        "validity": 3600,
        "decided_by": "configured",
        "expires_at": now + HOUR,
    }
    with administration.database.writing() as connection:
        connection.execute(insert(issuances).values({**row, **more}))


@pytest.mark.parametrize(("deleted", "new"), [("profile", "profile-x"), ("profile-x", "profile")])
@pytest.mark.parametrize("outcome", [{}, {"state": "requested", "expires_at": None}])
def test_a_name_within_reach_of_a_deleted_tenants_live_session_is_reserved_until_it_ends(
    administration: Administration, deleted: str, new: str, outcome: Mapping[str, object]
) -> None:
    old = administration.tenants.create(deleted, REGION, OPERATOR).tenant
    issue(administration, old, **outcome)
    end = administration.clock() + HOUR
    administration.tenants.delete(deleted, OPERATOR)

    with pytest.raises(InvalidRequest, match=f"“{deleted}” live until {end:%Y-%m-%d %H}:06 UTC"):
        administration.tenants.create(new, REGION, OPERATOR)
    administration.clock.move(HOUR + timedelta(minutes=7))

    assert administration.tenants.create(new, REGION, OPERATOR).tenant.name == new


def test_other_names_and_ended_failed_or_foreign_sessions_reserve_nothing(
    administration: Administration,
) -> None:
    old = administration.tenants.create("profile", REGION, OPERATOR).tenant
    now = administration.clock()
    issue(administration, old, expires_at=now - HOUR, asked_at=now - 2 * HOUR)
    issue(administration, old, state="failed", expires_at=None)
    issue(administration, old, state="denied", expires_at=None, tenant_id=None)
    administration.tenants.delete("profile", OPERATOR)
    administration.tenants.create("profile-x", REGION, OPERATOR)

    other = administration.tenants.create("prod01", REGION, OPERATOR).tenant
    issue(administration, other)
    administration.tenants.delete("prod01", OPERATOR)

    administration.tenants.create("prod012", REGION, OPERATOR)
    # A tenant of the same name has the same resources.
    administration.tenants.create("prod01", REGION, OPERATOR)


@pytest.mark.parametrize("outcome", [{}, {"state": "requested", "expires_at": None}])
def test_deleting_a_tenant_names_the_live_sessions_of_permission_sets_with_roles(
    administration: Administration, outcome: Mapping[str, object]
) -> None:
    tenants = Tenants(administration.tenants.executor, RULES, Maker())
    gone, other, ended = (tenants.create(name, REGION, OPERATOR).tenant for name in ("aa", "bb", "cc"))
    now, role_arn = administration.clock(), f"arn:aws:iam::{ACCOUNT}:role/daypass-set-aa.analyst"
    issue(administration, gone, role_arn=role_arn, **outcome)
    issue(administration, other)
    issue(administration, ended, role_arn=role_arn, expires_at=now - HOUR, asked_at=now - 2 * HOUR)
    issue(administration, ended, role_arn=role_arn, state="failed", expires_at=None)

    reason = tenants.delete("aa", OPERATOR)

    assert f"live until {now + HOUR:%Y-%m-%d %H}:06 UTC" in reason
    assert "Delete daypass-set-aa.* in AWS" in reason
    assert [tenants.delete(name, OPERATOR) for name in ("bb", "cc")] == ["", ""]


def test_deleting_a_tenant_first_empties_the_role_that_was_created_for_it(
    administration: Administration, alice: Caller, dana: Caller
) -> None:
    maker = Maker()
    tenants = Tenants(administration.tenants.executor, RULES, maker)
    made = tenants.create("prod01", REGION, alice).tenant
    tenants.create("data01", REGION, alice, role_arn=OTHER_ROLE)
    maker.meanwhile = lambda: tenants.find("prod01")

    with pytest.raises(AccessDenied):
        tenants.delete("prod01", dana)
    assert maker.emptied == []
    assert tenants.delete("prod01", alice) == ""
    maker.meanwhile = nothing_happens
    assert "was not created by this portal" in tenants.delete("data01", alice)

    assert set(maker.emptied) == {made}
    recorded = [(subject, outcome) for _, subject, outcome, _ in administration.events("role.empty")]
    assert recorded == [(made.target.role_arn, "done"), (OTHER_ROLE, "failed")]


def test_a_tenant_is_deleted_even_if_aws_fails(administration: Administration, alice: Caller) -> None:
    tenants = Tenants(administration.tenants.executor, RULES, Maker(AwsRefused("AWS said no.")))

    assert tenants.delete("dev01", alice) == "AWS said no."

    with pytest.raises(TenantNotFound):
        tenants.find("dev01")
