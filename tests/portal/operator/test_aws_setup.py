"""What `aws-setup` prints is enough to issue with, and no more."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from daypass.portal.commands import portal
from daypass.sandbox.process import SandboxProcess
from tests.sandbox_fixture import root_keys

ACCOUNT = "123456789012"


def printed(form: str, account: str = ACCOUNT) -> str:
    done = CliRunner().invoke(portal, ["aws-setup", "--format", form, "--account", account])
    assert done.exit_code == 0, done.output
    return done.output


def test_the_cli_form_applied_to_an_account_is_enough_to_make_a_role_issue_and_pass_the_doctor(
    tmp_path: Path, sqlite_url: str
) -> None:
    binaries = Path(sys.executable).parent
    with SandboxProcess() as sandbox:
        script = tmp_path / "setup.sh"
        script.write_text(printed("cli", sandbox.account_id))
        root = root_keys(sandbox)
        environment = {
            "PATH": f"{binaries}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "AWS_ENDPOINT_URL": sandbox.endpoint_url,
            "AWS_DEFAULT_REGION": sandbox.region,
            "AWS_ACCESS_KEY_ID": root.access_key_id,
            "AWS_SECRET_ACCESS_KEY": root.secret_access_key,
        }
        applied = subprocess.run(["sh", str(script)], env=environment, capture_output=True, check=False)
        assert applied.returncode == 0, applied.stderr.decode()
        key = json.loads(applied.stdout[applied.stdout.rindex(b'{\n    "AccessKey"') :])["AccessKey"]
        portal_environment = {
            "PATH": environment["PATH"],
            "HOME": str(tmp_path),
            "DAYPASS_DATABASE_URL": sqlite_url,
            "DAYPASS_AWS_REGION": sandbox.region,
            "DAYPASS_AWS_ENDPOINT_URL": sandbox.endpoint_url,
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        }

        issued = _run([sys.executable, "-c", _ISSUE], portal_environment)
        assert issued.returncode == 0, issued.stderr
        assert f"assumed-role/duploservices-dev01/dana@example.com {sandbox.account_id}" in issued.stdout
        examined = _run([str(binaries / "daypass"), "portal", "doctor", "--strict"], portal_environment)

    assert examined.returncode == 0, examined.stdout + examined.stderr
    assert examined.stdout.endswith("All is well.\n")


def _run(command: list[str], environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


# A portal as it is composed, on the keys that the script printed: a tenant is made, and a member issues.
_ISSUE = """
import os
import boto3
from daypass.portal.access.issue import Issuer
from daypass.portal.access.model import Ask, Caller, Door, TenantScope
from daypass.portal.admin.administration import administration
from daypass.portal.admin.tenants import RoleRules
from daypass.portal.audit.log import AuditLog
from daypass.portal.aws.connect import connect
from daypass.portal.aws.roles import aws_roles
from daypass.portal.clock import utc_now
from daypass.portal.config import PortalConfig
from daypass.portal.identity.model import Role, TokenKind
from daypass.portal.identity.service import OPERATOR, Identity
from daypass.portal.storage.engine import Database
from daypass.portal.tenants.model import Access

config = PortalConfig.from_environment(os.environ)
database = Database(config.database_url, connections=4)
audit = AuditLog(database, utc_now)
broker = connect(config.aws, public_url=config.public_url, connections=1)
roles = aws_roles(config.aws, broker.account_id)
master = roles.account.role_arn(config.aws.master_role)
identity = Identity(database, audit, utc_now)
rules = RoleRules("aws", broker.account_id, config.aws.role_prefix, master)
desk = administration(identity, rules, roles)
dana = desk.users.create("dana@example.com", Role.USER, None, OPERATOR).user
desk.tenants.create("dev01", config.aws.region, OPERATOR)
desk.members.put("dev01", "dana@example.com", Access.FULL, OPERATOR)
_, token = identity.create_token(dana, TokenKind.PERMANENT, "test", OPERATOR)
issuer = Issuer(database, audit, broker, utc_now, master, config.aws.region)
caller = Caller(dana, token, Door.API, "127.0.0.1", "request")
keys = issuer.issue(caller, Ask(TenantScope("dev01"))).credentials
me = boto3.client(
    "sts",
    endpoint_url=config.aws.endpoint_url,
    region_name=config.aws.region,
    aws_access_key_id=keys.access_key_id,
    aws_secret_access_key=keys.secret_access_key.reveal(),
    aws_session_token=keys.session_token.reveal(),
).get_caller_identity()
print(me["Arn"].partition("::")[2].partition(":")[2], me["Account"])
audit.close()
database.close()
"""


def test_the_template_and_the_script_say_the_same() -> None:
    template = yaml.safe_load(printed("cloudformation"))
    script = printed("cli")

    properties = {name: one["Properties"] for name, one in template["Resources"].items()}
    documents = [
        properties["PortalUser"]["Policies"][0]["PolicyDocument"],
        properties["TenantBoundary"]["PolicyDocument"],
        properties["MasterRole"]["AssumeRolePolicyDocument"],
    ]
    assert all(json.dumps(document, separators=(",", ":")) in script for document in documents)


@pytest.mark.parametrize("form", ["cli", "cloudformation", "terraform"])
def test_every_action_is_explained(form: str) -> None:
    text = printed(form)

    explained = " ".join(
        line.strip().removeprefix("#") for line in text.splitlines() if line.strip().startswith("#")
    )
    for action in (
        "sts:AssumeRole",
        "sts:SetSourceIdentity",
        "sts:TagSession",
        "iam:GetRole",
        "iam:UpdateRole",
    ):
        assert action in explained
        assert action in text.replace("#", "")
    for action in ("iam:CreateRole", "iam:PutRolePolicy", "iam:TagRole"):
        assert action in explained


def test_terraform_has_its_brackets_in_pairs() -> None:
    text = printed("terraform")

    for opening, closing in ("{}", "[]", "()"):
        assert text.count(opening) == text.count(closing)
    assert "${" not in text


def test_an_account_or_a_user_that_is_none_is_refused() -> None:
    for options in (["--account", "12345"], ["--account", ACCOUNT, "--user", "x; rm -rf /"]):
        done = CliRunner().invoke(portal, ["aws-setup", "--format", "cli", *options])
        assert done.exit_code == 2
        assert "rm -rf" not in done.stdout
