"""The Terraform module creates what `daypass portal aws-setup` prints, in every account."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import hcl2
import pytest
from click.testing import CliRunner

from daypass.portal.commands.group import portal
from daypass.portal.config.variables import MASTER_ROLE, ROLE_PREFIX
from tests.ci.terraform_module import EXPRESSIONS, HEADER, MAIN, generated, without_title

FILES = sorted(MAIN.parent.glob("*.tf"))
README = (MAIN.parent / "README.md").read_text()


def blocks(kind: str) -> dict[str, dict[str, Any]]:
    """Return the blocks of a kind in all files, by their label."""
    return {json.loads(label): body for block in unlabelled(kind) for label, body in block.items()}


def unlabelled(kind: str) -> list[dict[str, Any]]:
    """Return the blocks of a kind in all files."""
    return [block for file in parsed() for block in file.get(kind, [])]


@cache
def parsed() -> list[dict[str, Any]]:
    """Return the files as the parser reads them."""
    return [hcl2.loads(path.read_text()) for path in FILES]


def test_the_module_is_what_the_code_generates() -> None:
    assert MAIN.read_text() == generated(), "Run scripts/terraform."


@pytest.mark.parametrize(
    ("region", "values"),
    [
        ("us-west-2", ("aws", "123456789012", "duploservices-", "duplomaster", "daypass-portal")),
        ("cn-north-1", ("aws-cn", "210987654321", "team_a-", "admin+role", "portal@example.com")),
        ("us-gov-west-1", ("aws-us-gov", "111111111111", "a", "b", "c")),
    ],
)
def test_with_the_values_of_an_account_it_is_what_aws_setup_prints(
    region: str, values: tuple[str, ...]
) -> None:
    _, account, prefix, master, user = values
    environment = {"DAYPASS_AWS_REGION": region, ROLE_PREFIX.name: prefix, MASTER_ROLE.name: master}
    words = ["aws-setup", "--format", "terraform", "--account", account, "--user", user]
    printed = CliRunner(env=environment).invoke(portal, words)
    assert printed.exit_code == 0, printed.output

    text = MAIN.read_text().removeprefix(HEADER)
    for expression, value in zip(EXPRESSIONS.values(), values, strict=True):
        text = text.replace(f"${{{expression}}}", value).replace(expression, json.dumps(value))

    assert text == without_title(printed.output)


def test_defaults_are_those_of_the_portal() -> None:
    user = next(option.default for option in portal.commands["aws-setup"].params if option.name == "user")
    defaults = {name: json.loads(body["default"]) for name, body in blocks("variable").items()}

    assert defaults == {
        "user_name": user,
        "role_prefix": ROLE_PREFIX.default,
        "master_role_name": MASTER_ROLE.default,
    }


@pytest.mark.parametrize(("name", "is_valid"), [("daypass-portal", True), ("x; rm", False), ("", False)])
def test_names_that_the_portal_refuses_are_refused(name: str, is_valid: bool) -> None:
    for body in blocks("variable").values():
        (rule,) = body["validation"]
        pattern = re.search(r'regex\("(.*?)",', rule["condition"])
        assert pattern is not None
        assert (re.fullmatch(pattern[1].strip("^$"), name) is not None) is is_valid


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_reference_is_defined(path: Path) -> None:
    text = re.sub(r"#.*", "", path.read_text())
    resources = {
        f"{json.loads(kind)}.{json.loads(name)}"
        for block in unlabelled("resource")
        for kind, named in block.items()
        for name in named
    }
    (local,) = (block for block in unlabelled("locals"))

    assert set(re.findall(r"\bvar\.(\w+)", text)) <= blocks("variable").keys()
    assert set(re.findall(r"\blocal\.(\w+)", text)) <= local.keys()
    assert set(re.findall(r"\b(aws_iam_\w+\.\w+)", text)) <= resources


def test_every_variable_and_output_is_explained() -> None:
    for name, body in (blocks("variable") | blocks("output")).items():
        assert json.loads(body["description"]).endswith(".")
        assert f"`{name}`" in README
