"""The setup that `aws-setup` prints suffices for issuing and is the same in all formats."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import boto3
import hcl2
import pytest
import yaml
from click.testing import CliRunner

from daypass.portal.accounts.model import Account
from daypass.portal.aws.fence.documents import LARGEST_MANAGED_POLICY, size
from daypass.portal.aws.fence.managed import managed_policies
from daypass.portal.aws.fence.shared import shared_policies
from daypass.portal.commands.group import portal
from daypass.sandbox.process import SandboxProcess
from tests.fixtures.sandbox import root_keys
from tests.portal.processes import Operator

ACCOUNT = "123456789012"


def printed(form: str, account: str = ACCOUNT) -> str:
    done = CliRunner().invoke(portal, ["aws-setup", "--format", form, "--account", account])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("form", ["cli", "cloudformation"])
def test_the_printed_setup_suffices_to_create_roles_issue_sessions_and_pass_the_doctor(
    tmp_path: Path, sqlite_url: str, form: str
) -> None:
    with SandboxProcess(takes_templates=form == "cloudformation") as sandbox:
        apply = {"cli": _apply_script, "cloudformation": _apply_template}[form]
        key_id, secret = apply(sandbox, printed(form, sandbox.account_id), tmp_path)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "DAYPASS_DATABASE_URL": sqlite_url,
            "DAYPASS_AWS_REGION": sandbox.region,
            "DAYPASS_AWS_ENDPOINT_URL": sandbox.endpoint_url,
            "AWS_ACCESS_KEY_ID": key_id,
            "AWS_SECRET_ACCESS_KEY": secret,
        }

        issued = _run([sys.executable, "-c", _ISSUE], environment)
        assert issued.returncode == 0, issued.stderr
        for name in ("dev01", "dev02"):
            assert f"assumed-role/duploservices-{name}/dana@example.com {sandbox.account_id}" in issued.stdout
        assert issued.stdout.endswith(f"{sandbox.account_id}:policy/daypass-boundary-2\n")
        examined = Operator(tmp_path, environment).run_forked("doctor", "--strict")

    assert examined.returncode == 0, examined.stdout + examined.stderr
    assert examined.stdout.endswith("No problems found.\n")


def _apply_script(sandbox: SandboxProcess, script: str, folder: Path) -> tuple[str, str]:
    """Run the script as root; return the portal's keys, which it prints."""
    (folder / "setup.sh").write_text(script)
    root = root_keys(sandbox)
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "AWS_ENDPOINT_URL": sandbox.endpoint_url,
        "AWS_DEFAULT_REGION": sandbox.region,
        "AWS_ACCESS_KEY_ID": root.access_key_id,
        "AWS_SECRET_ACCESS_KEY": root.secret_access_key,
    }
    applied = _run(["sh", str(folder / "setup.sh")], environment)
    assert applied.returncode == 0, applied.stderr
    key = json.loads(applied.stdout[applied.stdout.rindex('{\n    "AccessKey"') :])["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]


def _apply_template(sandbox: SandboxProcess, template: str, _folder: Path) -> tuple[str, str]:
    """Create a stack as root, and the portal's keys by hand, as the template says."""
    root = root_keys(sandbox)
    session = boto3.Session(root.access_key_id, root.secret_access_key, region_name=sandbox.region)
    stacks = session.client("cloudformation", endpoint_url=sandbox.endpoint_url)
    # The template is larger than CloudFormation accepts in a request.
    storage = session.client("s3", endpoint_url=sandbox.endpoint_url)
    storage.create_bucket(Bucket="templates")
    storage.put_object(Bucket="templates", Key="daypass.yaml", Body=template.encode())
    stacks.create_stack(
        StackName="daypass",
        TemplateURL=f"{sandbox.endpoint_url}/templates/daypass.yaml",
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    stacks.get_waiter("stack_create_complete").wait(
        StackName="daypass", WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    iam = session.client("iam", endpoint_url=sandbox.endpoint_url)
    key = iam.create_access_key(UserName="daypass-portal")["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]


def _run(command: list[str], environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


# A real portal on the keys that the script printed: a tenant is created in each generation, the second one's
# services are limited and unlimited, and a member gets a session in each.
_ISSUE = """
import os
import boto3
from daypass.portal.access.issue import Issuer
from daypass.portal.access.model import Caller, Channel, SessionRequest
from daypass.portal.accounts.registry import Accounts, PerAccount
from daypass.portal.accounts.store import VerifiedPolicies, find_verified
from daypass.portal.admin.administration import administration
from daypass.portal.admin.tenants.role_naming import RoleNaming
from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import OPERATOR
from daypass.portal.aws.factory import make_account, make_broker
from daypass.portal.aws.fence.shared import digest, shared_policies
from daypass.portal.aws.iam import aws_roles
from daypass.portal.clock import utc_now
from daypass.portal.config.model import PortalConfig
from daypass.portal.config.reader import read_config
from daypass.portal.identity.authentication import Identity
from daypass.portal.identity.model import Role, TokenKind
from daypass.portal.identity.scopes import Scope
from daypass.portal.storage.engine import Database
from daypass.portal.tenants.model import Access

config = read_config(os.environ)
database = Database(config.database_url, connections=4)
committer = Committer(database, utc_now)
broker = make_broker(config.aws, public_url=config.public_url, connections=1)
broker.identity.discover()
account = make_account(config.aws, broker)
roles = aws_roles(config.aws, account, verified_policies=lambda: find_verified(database, account))
identity = Identity(database, committer, utc_now)
rules = RoleNaming(account)
services = administration(identity, rules, roles)
dana = services.users.create("dana@example.com", Role.USER, None, OPERATOR).user
services.tenants.create("dev01", config.aws.region, OPERATOR)
with database.writing() as connection:
    digests = {name: digest(policy) for name, policy in shared_policies(account).items()}
    VerifiedPolicies(connection).record(account.id, digests, utc_now())
second = services.tenants.create("dev02", config.aws.region, OPERATOR).tenant.target.role_arn
roles.set_services(second, {"sqs"})
roles.set_services(second, None)
for name in ("dev01", "dev02"):
    services.members.put(name, "dana@example.com", Access.FULL, OPERATOR)
_, token = identity.create_token(dana, TokenKind.PERMANENT, "test", OPERATOR)
issuer = Issuer(database, committer, Accounts(account), PerAccount({account.name: broker}), utc_now)
caller = Caller(dana, token, Channel.API, "127.0.0.1", "request")
for name in ("dev01", "dev02"):
    keys = issuer.issue(caller, SessionRequest(Scope.of_tenant(name))).credentials
    me = boto3.client(
        "sts",
        endpoint_url=config.aws.endpoint_url,
        region_name=config.aws.region,
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key.reveal(),
        aws_session_token=keys.session_token.reveal(),
    ).get_caller_identity()
    print(me["Arn"].partition("::")[2].partition(":")[2], me["Account"])
print(roles.read(second).boundary_arn)
committer.close()
database.close()
"""


def test_all_three_formats_create_the_same_resources_and_policies() -> None:
    script, template, code = _of_script(), _of_template(), _of_terraform()

    assert script["master role"] == "duplomaster"
    assert json.dumps(template) == json.dumps(script)
    assert json.dumps(code) == json.dumps(script)


def _of_script() -> dict[str, object]:
    """Return the names and documents that the script creates."""
    lines = printed("cli").replace("\\\n", "").splitlines()
    calls = [shlex.split(line)[2:] for line in lines if line.startswith("aws ")]
    made = {call[0]: _options(call) for call in calls}
    managed = [_options(call) for call in calls if call[0] == "create-policy"]
    user, role = made["put-user-policy"], made["create-role"]
    assert made["create-user"]["--user-name"] == user["--user-name"]
    assert made["put-role-policy"]["--role-name"] == role["--role-name"]
    return {
        "user": user["--user-name"],
        "user policy": {user["--policy-name"]: json.loads(user["--policy-document"])},
        "managed": {one["--policy-name"]: json.loads(one["--policy-document"]) for one in managed},
        "master role": role["--role-name"],
        "trust": json.loads(role["--assume-role-policy-document"]),
        "master policy": {
            made["put-role-policy"]["--policy-name"]: json.loads(made["put-role-policy"]["--policy-document"])
        },
    }


def _options(call: list[str]) -> dict[str, str]:
    return dict(zip(call[1::2], call[2::2], strict=False))


def _of_template() -> dict[str, object]:
    """Return the names and documents of the template."""
    made = yaml.safe_load(printed("cloudformation"))["Resources"]
    user, role = (made[name]["Properties"] for name in ("PortalUser", "MasterRole"))
    managed = [one["Properties"] for one in made.values() if one["Type"] == "AWS::IAM::ManagedPolicy"]
    return {
        "user": user["UserName"],
        "user policy": {one["PolicyName"]: one["PolicyDocument"] for one in user["Policies"]},
        "managed": {one["ManagedPolicyName"]: one["PolicyDocument"] for one in managed},
        "master role": role["RoleName"],
        "trust": role["AssumeRolePolicyDocument"],
        "master policy": {one["PolicyName"]: one["PolicyDocument"] for one in role["Policies"]},
    }


def _of_terraform() -> dict[str, object]:
    """Return the names and documents of the Terraform code, as an HCL parser reads it."""
    made: dict[str, dict[str, str]] = {}
    managed: list[dict[str, str]] = []
    for block in hcl2.loads(printed("terraform"))["resource"]:
        ((kind, named),) = block.items()
        (made[json.loads(kind)],) = named.values()
        managed += named.values() if json.loads(kind) == "aws_iam_policy" else []

    def text(kind: str, field: str = "name") -> str:
        return str(json.loads(made[kind][field]))

    def document(kind: str, field: str = "policy") -> object:
        return _encoded(made[kind][field])

    assert made["aws_iam_user_policy"]["user"] == "${aws_iam_user.daypass_portal.name}"
    assert made["aws_iam_role_policy"]["role"] == "${aws_iam_role.daypass_master.name}"
    return {
        "user": text("aws_iam_user"),
        "user policy": {text("aws_iam_user_policy"): document("aws_iam_user_policy")},
        "managed": {str(json.loads(one["name"])): _encoded(one["policy"]) for one in managed},
        "master role": text("aws_iam_role"),
        "trust": document("aws_iam_role", "assume_role_policy"),
        "master policy": {text("aws_iam_role_policy"): document("aws_iam_role_policy")},
    }


def _encoded(expression: str) -> object:
    """Return the document in a call of jsonencode; `$${` is Terraform's notation of a literal `${`."""
    inside = re.fullmatch(r"\$\{jsonencode\((.*)\)\}", expression)
    assert inside is not None
    return json.loads(inside[1].replace('" = ', '": ').replace("$${", "${"))


def test_each_managed_policy_is_printed_with_its_purpose_and_within_iam_s_limit() -> None:
    account = Account.known("aws-us-gov", ACCOUNT, "duploservices-", "duplomaster")
    managed = {policy.name: policy for policy in managed_policies(account)}

    assert list(managed) == ["daypass-boundary", *shared_policies(account)]
    for form in ("cli", "cloudformation", "terraform"):
        comments = " ".join(
            line.strip().removeprefix("#").strip()
            for line in printed(form).splitlines()
            if line.strip().startswith("#")
        )
        assert [policy.name for policy in managed.values() if policy.purpose not in comments] == []
    assert [name for name, policy in managed.items() if size(policy.document) > LARGEST_MANAGED_POLICY] == []


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


def test_an_invalid_account_or_user_is_refused() -> None:
    for options in (["--account", "12345"], ["--account", ACCOUNT, "--user", "x; rm -rf /"]):
        done = CliRunner().invoke(portal, ["aws-setup", "--format", "cli", *options])
        assert done.exit_code == 2
        assert "rm -rf" not in done.stdout


def test_a_misspelled_region_is_refused_with_the_nearest_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYPASS_AWS_REGION", "us-gov-wst-1")

    done = CliRunner().invoke(portal, ["aws-setup", "--format", "cli", "--account", ACCOUNT])

    assert (done.exit_code, done.stdout) == (1, "")
    assert "Did you mean us-gov-west-1?" in done.stderr
