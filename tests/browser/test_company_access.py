"""Users whose identity provider gives them a tenant use its AWS, in a terminal beside their browser.

The portal is a second replica of the demo's, with npm's oidc-provider as the identity provider.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from daypass.demo.seed.fixtures import MASTER_ROLE, PORTAL_USER
from daypass.portal.clock import utc_now
from daypass.portal.groups.model import Group, MemberSource
from daypass.portal.groups.store import add_group, add_group_membership, delete_group
from daypass.portal.permission_sets.model import READ_ONLY
from daypass.portal.tenants.model import GroupId, TenantId
from tests.browser.laptop import Laptop, authorize
from tests.browser.test_legacy_client import PATIENCE, asking, duploctl, who
from tests.fixtures.browser import Chromium, User, new_user
from tests.fixtures.demo import Demo
from tests.identity_provider.run import IdentityProvider
from tests.journeys.terminal import Terminal, json_output
from tests.portal.processes import Operator

DEVELOPERS, OPERATORS = "developers", "operators"
"""The groups of the identity provider: one gives dev01, the other makes Administrators."""


@dataclass(frozen=True, slots=True)
class Company:
    """A portal in front of the demo's database and AWS, and the identity provider of its users."""

    demo: Demo
    provider: IdentityProvider

    @property
    def bucket(self) -> str:
        """The bucket of dev01."""
        return str(self.demo.tenants["dev01"]["buckets"][0])

    def employ(self, *groups: str) -> str:
        """Add an account in these groups at the provider, which is new to the portal; return its username."""
        username = f"{uuid4().hex[:8]}@example.com"
        self.move(username, *groups)
        return username

    def move(self, username: str, *groups: str) -> None:
        """Replace the groups of an account at the provider."""
        self.provider.add_account(username, preferred_username=username, groups=groups)


@pytest.fixture(scope="module")
def portal(
    demo: Demo, identity_provider_process: IdentityProvider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Demo]:
    """Serve the demo's database with the provider, and return the demo as seen through that portal."""
    home, iam = tmp_path_factory.mktemp("company"), demo.root.iam
    key = iam.create_access_key(UserName=PORTAL_USER)["AccessKey"]
    environment = {
        "HOME": str(home),
        "DAYPASS_DATABASE_URL": f"sqlite:///{demo.folder / 'daypass.db'}",
        "DAYPASS_LISTEN": "127.0.0.1:0",
        "DAYPASS_TLS_CERTIFICATE": str(demo.folder / "localhost.pem"),
        "DAYPASS_TLS_KEY": str(demo.folder / "localhost-key.pem"),
        "DAYPASS_AWS_REGION": demo.ready["region"],
        "DAYPASS_AWS_ENDPOINT_URL": demo.aws_endpoint_url,
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        "DAYPASS_PROVIDER_COMPANY_ISSUER": identity_provider_process.issuer,
        "DAYPASS_PROVIDER_COMPANY_CLIENT_ID": "daypass",
        "DAYPASS_PROVIDER_COMPANY_LABEL": "Example Corp",
        "DAYPASS_PROVIDER_COMPANY_SCOPES": "openid,profile,email,groups",
        "DAYPASS_PROVIDER_COMPANY_CREATES_USERS": "true",
        "DAYPASS_PROVIDER_COMPANY_GROUPS": "claim",
        "DAYPASS_PROVIDER_COMPANY_MAKES_ADMINISTRATORS": "true",
    }
    with mapped_groups(demo), Operator(home, environment).serving_forked() as serving:
        yield replace(demo, ready={**demo.ready, "portal_url": serving.url})
    iam.delete_access_key(UserName=PORTAL_USER, AccessKeyId=key["AccessKeyId"])


@contextmanager
def mapped_groups(demo: Demo) -> Iterator[None]:
    """Give the provider's groups their meaning in the portal."""
    now = utc_now()
    developers, operators = (
        Group(GroupId(uuid4().hex), name, MemberSource.CLAIM, "company", external_id=name)
        for name in (DEVELOPERS, OPERATORS)
    )
    dev01 = TenantId(demo.tenants["dev01"]["id"])
    rows = (
        add_group(developers, at=now),
        add_group(replace(operators, makes_administrators=True), at=now),
        add_group_membership(developers.id, dev01, READ_ONLY, None, at=now),
    )
    with demo.database() as database:
        with database.writing() as connection:
            for row in rows:
                row.apply(connection)
        try:
            yield
        finally:
            with database.writing() as connection:
                for group in (developers, operators):
                    delete_group(group.id).apply(connection)


@pytest.fixture
def company(portal: Demo, identity_provider: IdentityProvider) -> Company:
    identity_provider.add_client("daypass", [f"{portal.portal_url}/sign-in/oidc/company/callback"])
    return Company(portal, identity_provider)


@pytest.fixture
def employee(chromium: Chromium, company: Company) -> Iterator[User]:
    """A browser that is signed in nowhere."""
    with new_user(chromium, company.demo) as user:
        yield user


def sign_in(employee: User, username: str, address: str) -> Page:
    """Open a page, and sign in on the way with the account at the provider."""
    page = employee.visit(address)
    page.get_by_role("link", name="Sign in with Example Corp").click()
    page.get_by_role("button", name=username).click()
    return page


def test_a_group_at_the_provider_gives_the_aws_cli_its_bucket(
    company: Company, employee: User, tmp_path: Path
) -> None:
    laptop, terminal = Laptop(company.demo, tmp_path), Terminal(company.demo, tmp_path)
    username = company.employ(DEVELOPERS)
    with laptop.types("login") as login:
        authorize(sign_in(employee, username, laptop.address()))
        assert login.end()[0] == 0, login.seen

    at_portal = laptop.environment()
    configured = terminal.run("daypass", "configure", "--tenant", "dev01", **at_portal)
    listed = terminal.aws("dev01", "s3", "ls", f"s3://{company.bucket}", **at_portal)
    foreign = terminal.run("daypass", "aws", "--tenant", "prod01", **at_portal)

    assert configured.returncode == 0, configured.stderr
    assert "credential_process" in (tmp_path / ".aws" / "config").read_text()
    assert "welcome.txt" in listed.stdout, listed.stderr
    assert (foreign.returncode, foreign.stdout) == (4, "")

    # Her next sign-in takes the tenant away, for the terminal too; the session at the provider still exists.
    company.move(username)
    employee.visit("/sign-in/oidc/company?next=/profile")
    expect(employee.page.get_by_role("heading", level=1)).to_have_text("Profile")
    refused = terminal.run("daypass", "aws", "--tenant", "dev01", "--no-cache", **at_portal)
    assert (refused.returncode, refused.stdout) == (4, "")
    assert len(laptop.tabs.opened) == 1


def test_duploctl_works_for_a_user_of_the_provider(company: Company, employee: User, tmp_path: Path) -> None:
    terminal, username = Terminal(company.demo, tmp_path), company.employ(DEVELOPERS)

    with duploctl(terminal, "--tenant", "dev01") as (waiting, address):
        page = sign_in(employee, username, address)
        expect(page.get_by_role("heading", level=1)).to_have_text("Local Access Requested")
        page.get_by_role("button", name="Authorize").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Access authorized")
        said, complained = waiting.communicate(timeout=PATIENCE)

    keys = json_output(subprocess.CompletedProcess([], waiting.returncode, said, complained))
    assert who(terminal, keys) == f"assumed-role/duploservices-dev01/{username}"
    employee.assert_no_errors()


def test_the_manual_s_profile_works_for_an_administrator_of_the_provider(
    company: Company, employee: User, tmp_path: Path
) -> None:
    terminal, username = Terminal(company.demo, tmp_path), company.employ(OPERATORS)
    portal = company.demo.portal_url
    config = tmp_path / ".aws" / "config"
    config.parent.mkdir()
    config.write_text(
        "[profile manual]\nregion=us-west-2\noutput=json\n"
        f"credential_process=duploctl jit aws --host {portal} --admin --interactive\n"
    )
    call = ("aws", "--endpoint-url", company.demo.aws_endpoint_url, "sts", "get-caller-identity")

    with asking(terminal, *call, AWS_PROFILE="manual") as (waiting, address):
        page = sign_in(employee, username, address)
        # The provider did not say when she authenticated, so admin access needs another authentication.
        page.get_by_role("button", name=username).click()
        page.get_by_role("button", name="Authorize").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Access authorized")
        said, _ = waiting.communicate(timeout=PATIENCE)

    assert json.loads(said)["Arn"].endswith(f":assumed-role/{MASTER_ROLE}/{username}")
