"""Tests of shell quoting in the commands that the portal prints."""

import json
import re
import shlex
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import hcl2
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from daypass.portal.accounts.registry import Accounts
from daypass.portal.admin.roles.remediation import set_maximum
from daypass.portal.aws import patches, policies, setup
from daypass.portal.aws.trust.policy import trust_policy
from daypass.portal.diagnostics.doctor import Doctor
from daypass.portal.http.pages.workstation import Workstations
from daypass.portal.storage.engine import Database
from daypass.portal.tenants.store import TenantStore
from tests.fakes import NOON, FakeBroker, FakeClock, retargeted
from tests.portal.diagnostics.test_doctor import ACCOUNT, DEV, Iam, iam, role, roles_of

__all__ = ["iam"]

HOSTILE = "x;touch${IFS}pwned;#'\"`touch pwned`$(touch pwned)\n&"
# A command line cannot contain NUL, and a lone surrogate cannot be encoded.
words = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
TRUST = trust_policy("arn:aws:iam::123456789012:user/x", "external", "dev01")

COMMANDS: dict[str, Callable[[str], str]] = {
    "update trust": lambda word: patches.update_trust(word, trust_policy(word, word, word)),
    "tag role": lambda word: patches.tag_role(word, word),
    "put boundary": lambda word: patches.put_boundary(word, word),
    "put policy": lambda word: patches.put_role_policy(word, word, policies.tenant_policy(ACCOUNT, word)),
    "delete policy": lambda word: patches.delete_role_policy(word, word),
    "attach policy": lambda word: patches.attach_policy(word, word),
    "create role": lambda word: patches.create_role(word, word, TRUST),
    "create tenant role": lambda word: patches.create_tenant_role(ACCOUNT, word, word, TRUST, word),
    "set maximum": lambda word: set_maximum(f"x/{word.replace('/', '')}", timedelta(hours=1)).command,
    "test of a workstation": lambda word: Workstations("", "", "", None).tenant(word, "").clients[0].test,
    "whole script": lambda word: setup.as_cli(replace(ACCOUNT, master_role=word), word),
}


def run(script: str, folder: Path | None = None) -> list[list[str]]:
    """Run *script* in a shell; return the words of each call of the AWS CLI."""
    caught = 'aws() { printf "%s\\0" "$@"; printf "\\0"; }\n'
    done = subprocess.run(
        ["sh", "-c", caught + script], cwd=folder or tempfile.gettempdir(), capture_output=True, check=True
    )
    assert done.stderr == b""
    return [call.split("\0") for call in done.stdout.decode().removesuffix("\0\0").split("\0\0")]


@pytest.mark.parametrize("kind", COMMANDS)
@given(word=words)
@example(word=HOSTILE)
@settings(max_examples=20)
def test_a_shell_reads_each_name_as_one_word_and_runs_nothing_else(kind: str, word: str) -> None:
    if not word:
        return
    calls = run(COMMANDS[kind](word))

    assert all(call[0] in {"iam", "sts"} for call in calls)
    assert any(word.replace("/", "") in part.replace("/", "") for call in calls for part in call)


def test_a_role_path_from_an_earlier_version_runs_nothing_in_the_shell_of_an_operator(
    sqlite_url: str, iam: Iam, tmp_path: Path
) -> None:
    path = "x;touch${IFS}pwned;#"
    tenant = retargeted(DEV, role_arn=f"arn:aws:iam::{ACCOUNT.id}:role/{path}/theirs")
    database = Database(sqlite_url)
    with database.writing() as connection:
        TenantStore(connection).add(tenant, NOON)
    doctor = Doctor(database, Accounts(ACCOUNT), FakeBroker(), roles_of(iam), FakeClock())

    (missing,) = doctor.examine_tenant(tenant)
    iam.policies["theirs/tenant"] = policies.tenant_policy(ACCOUNT, tenant.name)
    iam.roles["theirs"] = role(tenant.target.role_arn, "another", Tags=[], PermissionsBoundary={})
    wrong = doctor.examine_tenant(tenant)
    database.close()

    calls = [call for finding in (missing, *wrong) for call in run(finding.patch, tmp_path)]
    assert len(calls) == 5
    assert f"/{path}/" in calls[0]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["@portal", "1e3", "null", "yes", "a=b", "${x}", "%{x}", '"', "it's"])
def test_every_format_of_aws_setup_escapes_the_user_name(name: str) -> None:
    template = yaml.safe_load(setup.as_cloudformation(ACCOUNT, name))
    (user,) = (
        block[kind]
        for block in hcl2.loads(setup.as_terraform(ACCOUNT, name))["resource"]
        for kind in block
        if json.loads(kind) == "aws_iam_user"
    )
    ((_, terraform),) = user.items()
    script = run("\n".join(setup.as_cli(ACCOUNT, name).splitlines()[1:]))

    assert template["Resources"]["PortalUser"]["Properties"]["UserName"] == name
    assert read_hcl(terraform["name"]) == name
    assert script[0] == ["iam", "create-user", "--user-name", name]


def read_hcl(expression: Any) -> str:  # noqa: ANN401  the parser's
    """Return the string that Terraform evaluates a template without expressions to."""
    assert not re.search(r"(?<![$%])[$%]\{", expression)
    return str(json.loads(expression.replace("$${", "${").replace("%%{", "%{")))


def test_a_command_that_needs_no_quotes_has_none() -> None:
    assert patches.tag_role("duploservices-dev01", "dev01") == (
        "aws iam tag-role --role-name duploservices-dev01 --tags Key=TENANT_NAME,Value=dev01"
    )
    assert shlex.split(patches.put_boundary("r", "arn:aws:iam::1:policy/b"))[-1] == "arn:aws:iam::1:policy/b"
