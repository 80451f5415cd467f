"""The pages about the fence, and about the services that a tenant may use, on a fake of IAM."""

import re
from collections.abc import Iterator
from contextlib import closing

import pytest

from daypass.portal.accounts.model import DEFAULT, Generation
from daypass.portal.accounts.registry import Accounts, PerAccount
from daypass.portal.accounts.store import VerifiedPolicies
from daypass.portal.aws import policies
from daypass.portal.aws.fence.shared import digest, shared_policies
from daypass.portal.diagnostics.fence_reader import AwsFenceReader
from daypass.portal.settings.reader import SettingsReader
from daypass.portal.settings.registry import TENANT_SERVICES
from daypass.portal.storage.engine import Database
from tests.fakes import NOON
from tests.portal.diagnostics.test_doctor import ACCOUNT, Iam, change, iam, roles_of, shared
from tests.portal.http.pages.test_administrator import Browser, sign_in, text
from tests.portal.http.world import ADMIN, DANA, DEV, World
from tests.portal.http.world import world as make_world

__all__ = ["iam", "shared"]

FENCE = "/administrator/fence"
DEFAULT_FENCE = f"{FENCE}/{DEFAULT}"
SERVICES = f"/administrator/tenants/{DEV.id}/services"


@pytest.fixture
def world(sqlite_url: str, iam: Iam) -> Iterator[World]:
    with closing(Database(sqlite_url)) as database:
        reader = AwsFenceReader(database, Accounts(ACCOUNT), PerAccount({DEFAULT: roles_of(iam)}))
        with make_world(sqlite_url, fences=reader) as made:
            yield made


@pytest.fixture
def admin(world: World) -> Browser:
    return sign_in(world, ADMIN)


def verify(world: World) -> None:
    """Record that the account has all policies of this release."""
    found = {name: digest(policy) for name, policy in shared_policies(ACCOUNT).items()}
    with world.database.writing() as connection:
        VerifiedPolicies(connection).record(ACCOUNT.id, found, NOON)


def migrate(iam: Iam) -> None:
    """Give the role of dev01 the boundary of generation 2."""
    change(iam, PermissionsBoundary={"PermissionsBoundaryArn": ACCOUNT.boundary_of(Generation.SHARED)})


def test_the_list_shows_the_last_verification_and_the_commands(admin: Browser, world: World) -> None:
    before = admin.see(FENCE)
    verify(world)
    after = admin.see(FENCE)

    assert "No verification has found a policy of the fence in this account." in before
    assert before.count("Not verified") == after.count("As in this version") == len(shared_policies(ACCOUNT))
    assert "found all policies of this version" in after
    for command in ("plan", "apply", "verify"):
        assert f'data-copy="daypass portal fence {command}"' in before


def test_the_list_calls_no_aws(admin: Browser, iam: Iam) -> None:
    # Every call fails, which would be a server error.
    iam.get_policy = iam.get_role = None  # type: ignore[method-assign, assignment]  # a fake

    assert "Compare with AWS" in admin.see(FENCE)


def test_an_account_s_page_has_the_difference_and_the_order(admin: Browser, shared: Iam) -> None:
    complete = admin.see(DEFAULT_FENCE)
    shared.policies[ACCOUNT.policy_arn("daypass-fence-data")] = policies.document(
        policies.allow(["s3:<b>"], ["arn:aws:s3:::elsewhere"])
    )
    page = admin.see(DEFAULT_FENCE)

    assert "Nothing to do: the account has the policies of this version." in complete
    assert "Run <code>daypass portal fence verify</code>, so that the portal uses them." in complete
    assert "<del>-     on arn:aws:s3:::elsewhere</del>" in page
    assert "daypass-fence-data: add a version and make it the default" in page


def test_the_contents_of_a_policy_are_escaped(admin: Browser, shared: Iam) -> None:
    shared.policies[ACCOUNT.policy_arn("daypass-fence-data")] = policies.document(
        policies.allow(["s3:<script>"], ["*"])
    )

    answer = admin.client.get(DEFAULT_FENCE, headers=admin.headers())

    assert b"s3:&lt;script&gt;" in answer.body
    assert b"s3:<script>" not in answer.body


def test_a_portal_that_may_not_read_policies_shows_the_permissions_that_it_lacks(
    admin: Browser, iam: Iam
) -> None:
    iam.may_read_policies = False

    page = admin.see(DEFAULT_FENCE)

    assert "The policies could not be read" in page
    assert "iam:GetPolicyVersion" in page
    assert "Order of the changes" not in page


def test_the_roles_of_an_account_have_their_generations(admin: Browser, iam: Iam) -> None:
    page = admin.see(f"{DEFAULT_FENCE}/roles?search=dev01")
    assert "Can be migrated" in page
    assert 'data-copy="daypass portal fence plan --tenant dev01"' in page

    migrate(iam)
    page = admin.see(f"{DEFAULT_FENCE}/roles?search=dev01")
    assert "Not attached: daypass-fence-data" in page
    assert "No matching tenants" in admin.see(f"{DEFAULT_FENCE}/roles?search=nothing-like-it")


def test_an_unknown_account_is_not_found(admin: Browser) -> None:
    for page in (f"{FENCE}/other", f"{FENCE}/other/roles"):
        assert admin.client.get(page, headers=admin.headers()).status == 404


def test_a_portal_that_does_not_check_roles_says_so(quick_world: World) -> None:
    admin = sign_in(quick_world, ADMIN)
    assert "This portal does not examine IAM" in admin.see(FENCE)
    assert admin.client.get(DEFAULT_FENCE, headers=admin.headers()).status == 404
    assert "Services of dev01" in sign_in(quick_world, DANA).see("/services")


def test_members_cannot_open_the_pages_for_administrators(world: World) -> None:
    dana = sign_in(world, DANA)
    for page in (FENCE, DEFAULT_FENCE, f"{DEFAULT_FENCE}/roles", SERVICES):
        assert dana.client.get(page, headers=dana.headers()).status == 403


def test_a_member_sees_the_services_of_the_tenant_with_their_gaps(world: World) -> None:
    dana = sign_in(world, DANA)

    shown = dana.see("/services")
    assert "is of generation 1</b>, which has 2 services: Amazon SQS, Amazon S3." in shown
    assert "Not for dev01" in shown and "AWS Lambda." in shown
    assert "IAM cannot prevent (" in shown
    assert "A presigned URL gives its holder the rights of the session" in shown
    assert "AWS services of dev01" in dana.see("/resources")


def test_a_migrated_role_may_use_all_services(world: World, iam: Iam) -> None:
    migrate(iam)
    page = sign_in(world, DANA).see("/services")

    assert "generation 1" not in page and "Not for dev01" not in page
    assert "AWS Lambda<span" in page


def test_a_setting_limits_the_services(world: World, iam: Iam, admin: Browser) -> None:
    migrate(iam)
    world.set(TENANT_SERVICES, "sqs", DEV)

    page = admin.see(SERVICES)

    assert "An Administrator has limited dev01 to some services." in page
    assert "Amazon SQS<span" in page and "AWS Lambda, Amazon S3." in page
    assert "settings?key=aws_services" in page
    world.set(TENANT_SERVICES, "gone", DEV)
    assert "None of the services to which dev01 is limited" in admin.see(SERVICES)


def test_a_role_that_cannot_be_read_is_no_error(world: World, iam: Iam, admin: Browser) -> None:
    iam.is_allowed = False

    page = sign_in(world, DANA).see("/services")
    assert "iam:GetRole" in admin.see(SERVICES)
    assert "iam:GetRole" not in page

    assert "The role of dev01 could not be read" in page
    assert "AWS Lambda<span" in page


def test_the_services_are_set_with_checkboxes(world: World, admin: Browser) -> None:
    here, name = f"/administrator/tenants/{DEV.id}/settings", "value:aws_services"
    page = admin.see(f"{here}?add=aws_services")
    assert '<option value="aws_services" selected>' in page
    assert "<legend>Messaging</legend>" in page
    assert "Default: no limit." in page
    assert re.findall(r'name="value:aws_services" value="(.*?)"', page) == ["", "lambda", "sqs", "s3"]

    admin.do(here, [("key", "aws_services"), (name, ""), (name, "sqs"), (name, "s3")])
    assert "<code>s3,sqs</code>" in admin.see(here)
    assert SettingsReader(world.database).of_tenant(DEV.id, TENANT_SERVICES) == frozenset({"s3", "sqs"})

    world.set(TENANT_SERVICES, "sqs,gone", DEV)
    page = admin.see(f"{here}?key=aws_services")
    assert "This version does not offer gone" in page
    assert set(re.findall(r'value="(\w+)" checked', page)) == {"sqs"}

    version = re.search(r'name="version" value="([^"]+)"', page)
    assert version
    fields = [("key", "aws_services"), ("version", version[1]), (name, "")]
    refused = admin.send(f"{here}/change", fields)
    assert refused.status == 422
    assert "Select at least one. To allow all, remove the setting instead." in text(refused)
    wrong = admin.send(f"{here}/change", [*fields, (name, "s3"), (name, "iam")])
    assert "Tenants cannot use iam." in text(wrong)
    # The selection is kept for the correction.
    assert set(re.findall(r'value="(\w+)" checked', text(wrong))) == {"s3"}

    removed = admin.send(f"{here}/remove", key="aws_services")
    assert "The%20limit%20is%20removed%20from%20the%20role" in (removed.header("set-cookie") or "")
    assert SettingsReader(world.database).of_tenant(DEV.id, TENANT_SERVICES) is None
