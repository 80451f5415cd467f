"""The pages about service accounts: the list, creation, and the description and rules of one."""

import re

import pytest

from daypass.portal.audit.event import OPERATOR
from daypass.portal.identity.model import Role
from daypass.portal.secret import Secret
from tests.portal.http.pages.test_administrator import Browser, field_error, sign_in, text
from tests.portal.http.workload_rules import workload_token
from tests.portal.http.world import ADMIN, DANA, World

ACCOUNTS = "/administrator/service-accounts"
SAM, BOT = "sam@example.com", "shop-deployer"


@pytest.fixture
def admin(quick_world: World) -> Browser:
    quick_world.identity.create_user(SAM, Role.USER, Secret("correct horse battery"), OPERATOR)
    return sign_in(quick_world, ADMIN)


def test_an_account_is_created_listed_and_described(admin: Browser) -> None:
    address = admin.do(ACCOUNTS, username=BOT, owner=SAM, description="Deploys the shop.").partition("?")[0]

    page = admin.see(address)
    assert "Deploys the shop." in page
    assert SAM in page
    assert "No workload rules" in page
    listed = admin.see(ACCOUNTS)
    assert BOT in listed
    assert "Deploys the shop." in listed
    assert f'href="{address}">{SAM}' not in listed, "A person is no service account."

    version = re.search(r'name="version" value="([^"]+)"', page)
    assert version
    admin.do(address, owner="", description="Deploys.", version=version[1])
    assert "Deploys." in admin.see(address)
    stale = admin.send(address, owner=SAM, description="", version=version[1])
    assert (stale.status, "was changed" in text(stale)) == (412, True)


@pytest.mark.parametrize(
    ("fields", "status", "field", "why"),
    [
        ({"username": DANA}, 409, "username", "already taken"),
        ({"username": BOT, "owner": DANA}, 422, "owner", "is a service account"),
        ({"username": BOT, "owner": "nobody"}, 404, "owner", "no such owner"),
        ({"username": BOT, "description": "x" * 501}, 422, "description", "500 printable"),
        ({"username": ""}, 422, "username", "username"),
    ],
)
def test_a_refused_account_is_not_created(
    admin: Browser, fields: dict[str, str], status: int, field: str, why: str
) -> None:
    answer = admin.send(ACCOUNTS, **fields)

    assert (answer.status, why in field_error(answer, field)) == (status, True)
    assert BOT not in admin.see(f"{ACCOUNTS}?search={BOT}").partition("<tbody>")[2]


def test_the_page_has_the_rules_of_the_account_and_none_for_a_person(
    admin: Browser, quick_world: World
) -> None:
    workload_token(quick_world, name="jobs")

    assert "/administrator/workload-rules/jobs" in admin.see(f"{ACCOUNTS}/{DANA}")
    assert admin.send(f"{ACCOUNTS}/{SAM}", owner="").status == 404
