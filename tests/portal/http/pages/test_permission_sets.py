"""The pages about permission sets: the list, the words of a set, and the forms with their errors."""

import html
import re
from datetime import timedelta

import pytest

from daypass.portal.access.broker import SetRole
from daypass.portal.access.store.roles import CachedRoleStore
from daypass.portal.http.pages.admin.permission_sets import words
from daypass.portal.permission_sets.model import FULL
from tests.fakes import NOON
from tests.portal.http.api.test_administration import ANY, Administrator
from tests.portal.http.client import Answer
from tests.portal.http.pages.test_administrator import Browser, alert, sign_in, text
from tests.portal.http.world import ADMIN, DANA, DEV, NOOR, World
from tests.portal.permission_sets.examples import custom, deny

SETS, ADD, DELETE = (
    f"/administrator/{name}" for name in ("permission-sets", "add-permission-set", "delete-permission-set")
)
DENY = '[{"Effect": "Deny", "Action": ["lambda:UpdateFunctionCode", "iam:*"], "Resource": "*"}]'
NO_CODE = {"name": "no-code", "description": "Runs no code.", "rank": "400", "policies": "", "denies": DENY}


@pytest.fixture
def admin(quick_world: World) -> Browser:
    return sign_in(quick_world, ADMIN)


def error_of(answer: Answer, name: str) -> str:
    """Return the error beside the field *name*."""
    assert answer.status == 422, text(answer)
    found = re.search(rf'id="{name}-error" role="alert">(.*?)</p>', answer.body.decode())
    assert found, text(answer)
    assert f'aria-describedby="{name}-error" aria-invalid="true"' in answer.body.decode()
    return html.unescape(found[1])


def row_of(page: str, name: str) -> str:
    """Return the text of a row of the list."""
    found = re.search(
        rf'<tr role="row"><td role="cell" class="key fill"><a href="{SETS}/{name}".*?</tr>', page, re.DOTALL
    )
    assert found
    return words_of(found[0])


def words_of(page: str) -> str:
    """Return the text of a page without its tags."""
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())


def test_a_set_is_created_shown_changed_and_deleted(admin: Browser) -> None:
    assert admin.do(ADD, **NO_CODE).startswith(f"{SETS}/no-code")
    page = admin.see(f"{SETS}/no-code")
    assert "Everything that the tenant's role allows, except for what is denied below." in page
    assert "lambda:UpdateFunctionCode, iam:* on every resource." in page
    assert "can only take away from a tenant's full access" in page

    form = admin.see(f"{SETS}/no-code/edit")
    version = re.search(r'name="version" value="([^"]+)"', form)
    assert version
    changed = {**NO_CODE, "policies": "aws:ReadOnlyAccess\r\n\r\n own ", "version": version[1]}
    admin.do(f"{SETS}/no-code/edit", **changed)
    page = admin.see(f"{SETS}/no-code")
    assert "at least one of these managed policies allow, except for what is denied below" in page
    assert re.search(r"<code>own</code>.*The account of the tenant's role", page)
    # The set was changed since that version.
    stale = admin.send(f"{SETS}/no-code/edit", **changed)
    assert (stale.status, "was changed" in text(stale)) == (412, True)

    assert admin.do(DELETE, name="no-code").startswith(SETS)
    assert admin.send(DELETE, name="no-code").status == 404


def test_the_list_has_each_set_with_its_rank_and_members(admin: Browser, quick_world: World) -> None:
    admin.do(ADD, **NO_CODE)
    member, given = f"/tenants/{DEV.name}/members/{DANA}", {"permission_set": "no-code"}
    assert Administrator(quick_world)("PUT", member, given, ANY).status == 200

    page = admin.see(SETS)

    assert row_of(page, "no-code").startswith("no-code Runs no code. Custom 400 1")
    assert row_of(page, "full").startswith("full Everything that the role allows. Built-in 1000 ")
    refused = admin.send(DELETE, name="no-code")
    assert (refused.status, "1 membership has the permission set" in text(refused)) == (409, True)


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("name", "No Code", "lower-case letters"),
        ("name", "full", "built-in"),
        ("rank", "high", "Enter a number."),
        ("rank", "1000", "from 1 to 999"),
        ("policies", "own\nno policy", "Policy 2: “no policy” is not a managed policy."),
        ("denies", "[\n  {]", "Line 2, column 4: this is not JSON"),
        ("denies", '[\n{"Effect": "Allow"}]', "Line 2, statement 1: its Effect must be “Deny”"),
        (
            "denies",
            f'{{"Version": "2012-10-17",\n"Statement": {DENY[:-1]},\n\n'
            '{"Effect": "Deny", "Action": "s3:Gte*", "Resource": "*"}]}',
            "Line 4, statement 2: AWS has no action “s3:Gte*”.",
        ),
        (
            "denies",
            '{"Effect": "Deny", "Action": 1, "Resource": "*"}',
            "Line 1, statement 1: “1” is not valid",
        ),
        ("denies", '[{"Action": "s3:*", "Action": "sns:*"}]', "“Action” is twice"),
        ("denies", '"Deny"', "Line 1: write Deny statements as a JSON array"),
        ("denies", "[" * 15_000, "nested too deeply"),
        ("denies", "[" + "1" * 5000 + "]", "number that is too long"),
    ],
)
def test_each_error_is_beside_its_field_with_the_line(
    admin: Browser, field: str, value: str, error: str
) -> None:
    answer = admin.send(ADD, **{**NO_CODE, field: value})

    assert error in error_of(answer, field)
    # Nothing that was typed is lost.
    assert "Runs no code." in text(answer)
    assert (
        html.escape(value)[:30].replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in answer.body.decode()
    )


def test_every_wrong_field_is_marked_at_once(admin: Browser) -> None:
    answer = admin.send(ADD, **{**NO_CODE, "rank": "x", "denies": "x"})

    assert error_of(answer, "rank") and error_of(answer, "denies")


def test_a_set_gets_a_role_of_its_own_and_gives_it_up_again(admin: Browser) -> None:
    # Without scripts, the fields that have no effect are sent too.
    admin.do(ADD, **{**NO_CODE, "role": "own"})
    page = admin.see(f"{SETS}/no-code")
    assert "What the set's own role in each tenant allows" in page
    assert "within the fence of their tenants" in page
    assert "lambda:UpdateFunctionCode" not in page

    form = admin.see(f"{SETS}/no-code/edit")
    assert '<option value="own" selected>' in form
    version = re.search(r'name="version" value="([^"]+)"', form)
    assert version
    admin.do(f"{SETS}/no-code/edit", **NO_CODE, role="tenant", version=version[1])
    assert "lambda:UpdateFunctionCode, iam:* on every resource." in admin.see(f"{SETS}/no-code")


def test_the_page_of_a_set_with_its_own_role_has_the_latest_check_of_each(
    admin: Browser, quick_world: World
) -> None:
    admin.do(ADD, **NO_CODE, role="own")
    assert re.search(r"Custom.*Own role", row_of(admin.see(SETS), "no-code"))
    page, role = f"{SETS}/no-code", f"daypass-set-{DEV.name}.no-code"
    before = admin.see(page)
    assert f'data-copy="{role}"' in before
    assert "Not checked" in before
    assert 'data-copy="daypass portal fence apply"' in before

    target = DEV.target.of_set(DEV.name, "no-code")
    checked = SetRole(target.role_arn, DEV.target.role_arn, DEV.name, target.external_id, None)
    problems = (("There is no boundary. Remedy: `fence apply`.", "Failed"), ("", "Passed"))
    for minute, (problem, state) in enumerate(problems):
        with quick_world.database.writing() as connection:
            CachedRoleStore(connection).remember_check(checked, problem, NOON + timedelta(minutes=minute))
        seen = admin.see(f"{page}?search={DEV.name}")
        assert re.search(rf"{DEV.name} {re.escape(role)} {state} .+?1 of 1", words_of(seen)), seen
        shown = 'There is no boundary. Remedy: <code class="command">fence apply</code>.</span>'
        assert (shown in seen) == bool(problem)
    assert "No matching tenants" in admin.see(f"{page}?search=no-such-tenant")
    assert "Latest check" not in admin.see(f"{SETS}/full")


def test_the_policies_of_a_refused_form_are_kept_beside_a_role_of_its_own(admin: Browser) -> None:
    long = {**NO_CODE, "name": "a-name-of-20-letters", "role": "own", "policies": "no policy", "denies": "x"}
    answer = admin.send(ADD, **long)
    assert "has at most 19 characters" in error_of(answer, "name")
    page = answer.body.decode()
    assert '<option value="own" selected>' in page
    assert "no policy</textarea>" in page
    assert 'id="policies-error"' not in page
    assert 'id="denies-error"' not in page


def test_an_existing_set_whose_name_is_too_long_for_a_role_keeps_its_role(admin: Browser) -> None:
    name = "a-name-of-20-letters"
    admin.do(ADD, **{**NO_CODE, "name": name})
    version = re.search(r'name="version" value="([^"]+)"', admin.see(f"{SETS}/{name}/edit"))
    assert version
    answer = admin.send(f"{SETS}/{name}/edit", **NO_CODE, role="own", version=version[1])
    assert "has at most 19 characters" in error_of(answer, "role")
    assert "Choose" in error_of(admin.send(ADD, **NO_CODE, role="other"), "role")


def test_a_set_that_would_be_full_is_refused_as_a_whole(admin: Browser) -> None:
    answer = admin.send(ADD, **{**NO_CODE, "denies": ""})

    assert (answer.status, "Without both it would be “full”." in text(answer)) == (422, True)


def test_an_existing_name_is_taken(admin: Browser) -> None:
    admin.do(ADD, **NO_CODE)
    answer = admin.send(ADD, **NO_CODE)

    assert answer.status == 412
    assert "A permission set with this name already exists." in text(answer)


@pytest.mark.parametrize("template", ["operator", "data-reader"])
def test_a_set_from_a_template_names_the_level_s_policy(admin: Browser, template: str) -> None:
    page = admin.see(f"{ADD}?template={template}")

    assert f'name="name" type="text" value="{template}"' in page
    assert f">\ndaypass-level-{template}</textarea>" in page


def test_a_built_in_set_is_shown_and_cannot_be_edited(admin: Browser) -> None:
    page = admin.see(f"{SETS}/read-only")

    assert "daypass-level-read-only" in page
    assert ">Edit</a>" not in page
    answer = admin.client.get(f"{SETS}/full/edit", headers=admin.headers())
    assert (answer.status, (answer.header("location") or "").startswith(f"{SETS}/full")) == (303, True)


def test_a_member_may_not_open_the_pages_of_permission_sets(quick_world: World) -> None:
    dana = sign_in(quick_world, DANA)

    assert dana.client.get(SETS, headers=dana.headers()).status == 403
    assert dana.send(ADD, **NO_CODE).status == 403


def test_conditions_and_exceptions_are_said() -> None:
    statement = {
        "Effect": "Deny",
        "NotAction": ["s3:Get*"],
        "NotResource": "arn:aws:s3:::a",
        "Condition": {"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "eu-west-2"]}},
    }

    assert words.denied(statement) == (
        "Every action except s3:Get* on every resource except arn:aws:s3:::a, if aws:RequestedRegion "
        "StringNotEquals eu-west-1 or eu-west-2."
    )
    assert words.allowed(FULL) == "Everything that the tenant's role allows."
    assert words.allowed(custom("a-set", 5, deny("s3:*"), policies=("own",))).startswith("What both the")


def member_rows(page: str) -> list[list[str]]:
    """Return the name, READ ONLY and PERMISSION SET of each membership on a page."""
    cells = r'<td role="cell" data-label="(?:Read Only|Permission set)">(.*?)</td>'
    rows = re.findall(rf'class="key"><a [^>]*>([^<]*)</a></td>.*?{cells}{cells}', page)
    return [[re.sub(r"<[^>]*>", "", cell) for cell in row] for row in rows]


def test_a_member_is_given_each_kind_of_set_on_the_page_of_the_tenant(admin: Browser) -> None:
    here = f"/administrator/tenants/{DEV.id}"
    # Without a custom set, the choice is the box of the manual.
    assert 'name="permission_set"' not in admin.see(here)
    admin.do(ADD, **NO_CODE)
    assert '<option value="no-code">no-code: Runs no code.</option>' in admin.see(here)

    admin.do(here, user=NOOR, permission_set="no-code")
    seen = [member_rows(admin.see(here))]
    admin.do(here, user=NOOR, permission_set="full", read_only="true")
    seen.append(member_rows(admin.see(here)))
    admin.do(here, user=NOOR)
    seen.append(member_rows(admin.see(here)))

    assert [{row[0]: row[1:] for row in rows}[NOOR] for rows in seen] == [
        ["No", "no-code"],
        ["Yes", "read-only"],
        ["No", "full"],
    ]


def test_a_member_is_given_a_set_on_the_page_of_the_user(admin: Browser, quick_world: World) -> None:
    admin.do(ADD, **NO_CODE)
    here = f"/administrator/users/{quick_world.users[NOOR].id}"

    admin.do(here, tenant=DEV.name, permission_set="no-code")

    assert member_rows(admin.see(here)) == [[DEV.name, "No", "no-code"]]


def test_a_new_user_is_given_a_set(admin: Browser) -> None:
    admin.do(ADD, **NO_CODE)
    fields = {"username": "lena@example.com", "role": "User", "sign_in": "none", "permission_set": "no-code"}

    place = admin.do("/administrator/users", [("tenants", DEV.id)], **fields)

    assert member_rows(admin.see(place.partition("?")[0])) == [[DEV.name, "No", "no-code"]]


@pytest.mark.parametrize(
    ("fields", "status", "reason"),
    [
        (
            {"permission_set": "no-code", "read_only": "true"},
            422,
            "Choose one: “no-code”, or Readonly Access",
        ),
        ({"permission_set": "nothing"}, 404, "There is no permission set “nothing”."),
    ],
)
def test_a_choice_that_cannot_be_is_refused_in_the_pane(
    admin: Browser, quick_world: World, fields: dict[str, str], status: int, reason: str
) -> None:
    admin.do(ADD, **NO_CODE)
    user = {"username": "lena@example.com", "role": "User", "sign_in": "none"}
    answers = [
        admin.send(f"/administrator/tenants/{DEV.id}", user=NOOR, **fields),
        admin.send(f"/administrator/users/{quick_world.users[NOOR].id}", tenant=DEV.name, **fields),
        admin.send("/administrator/users", [("tenants", DEV.id)], **user, **fields),
    ]

    assert [answer.status for answer in answers] == [status] * 3
    assert all(reason in alert(answer) for answer in answers)
    assert "lena@example.com" not in admin.see("/administrator/users?search=lena").partition("<table")[2]


def test_a_user_with_full_access_chooses_a_lower_set_for_a_session(
    quick_world: World, admin: Browser
) -> None:
    admin.do(ADD, **NO_CODE)
    dana = sign_in(quick_world, DANA)

    own, lower = dana.see("/profile"), dana.see("/profile?permission_set=no-code")
    assert "in dev01, with full access." in own
    assert '<option value="full" selected>' in own
    assert "in dev01, with the permission set no-code." in lower
    assert '<option value="no-code" selected>no-code: Runs no code.</option>' in lower
    # The forms of the JIT menu request the set, and so does the profile for a workstation.
    assert lower.count('<input type="hidden" name="permission_set" value="no-code">') == 4
    assert "--tenant dev01 --permission-set no-code --interactive" in lower
    assert "duploctl" not in lower

    dana.do("/console", tenant=DEV.id, permission_set="no-code")
    assert quick_world.broker.assumed[-1][0].permission_set.name == "no-code"
    dana.do("/console", tenant=DEV.id)
    assert quick_world.broker.assumed[-1][0].permission_set is FULL
    sessions = re.findall(r'data-label="Access" class="once">([^<]*)<', dana.see("/sessions"))
    # The clock stands still, so the two have no order.
    assert sorted(sessions) == ["Full", "no-code"]


def test_a_set_that_a_user_may_not_have_is_refused_with_a_way_back(quick_world: World) -> None:
    page = sign_in(quick_world, DANA).see("/profile?permission_set=nothing")

    assert "There is no permission set “nothing”." in page
    assert '<a href="/profile">Use the permission set that you have</a>' in page


def test_a_member_with_one_set_sees_it_and_has_no_choice(quick_world: World, admin: Browser) -> None:
    admin.do(ADD, **NO_CODE)
    admin.do(f"/administrator/tenants/{DEV.id}", user=NOOR, permission_set="no-code")

    page = sign_in(quick_world, NOOR).see("/profile")

    assert "in dev01, with the permission set no-code." in page
    assert 'name="permission_set"' not in page
