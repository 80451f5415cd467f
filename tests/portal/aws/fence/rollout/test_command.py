"""`daypass portal fence` on an account in the sandbox."""

import json
import shlex
import signal
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from daypass.portal.accounts.store import VerifiedPolicies
from daypass.portal.aws import policies
from daypass.portal.aws.fence.shared import shared_policies
from daypass.portal.aws.policies import to_json
from daypass.portal.permission_sets.model import PermissionSet, PermissionSetId
from daypass.portal.permission_sets.store import add_permission_set
from daypass.portal.storage.engine import Database
from daypass.portal.tenants.store import TenantStore
from tests.fakes import NOON
from tests.fixtures.sandbox import root_keys
from tests.portal.aws.fence.rollout.conftest import Lab
from tests.portal.forked import Forked
from tests.portal.processes import PATIENCE, Ended, Operator
from tests.waiting import wait_until


@pytest.fixture
def operator(lab: Lab, tmp_path: Path, sqlite_url: str) -> Operator:
    """An operator with the account's root keys, and an empty database."""
    root = root_keys(lab.sandbox)
    environment = {
        "HOME": str(tmp_path),
        "DAYPASS_DATABASE_URL": sqlite_url,
        "DAYPASS_AWS_REGION": lab.sandbox.region,
        "DAYPASS_AWS_ENDPOINT_URL": lab.sandbox.endpoint_url,
        "AWS_ACCESS_KEY_ID": root.access_key_id,
        "AWS_SECRET_ACCESS_KEY": root.secret_access_key,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
    }
    operator = Operator(tmp_path, environment)
    assert operator.run_inside("migrate").returncode == 0
    return operator


def known_to_the_portal(lab: Lab, operator: Operator) -> None:
    """Write the tenants of the account into the portal's database."""
    database = Database(operator.environment["DAYPASS_DATABASE_URL"])
    with database.writing() as connection:
        for tenant in lab.tenants:
            TenantStore(connection).add(tenant, NOON)
    database.close()


def with_own_role(operator: Operator, name: str) -> None:
    """Write a permission set with a role of its own into the portal's database."""
    database = Database(operator.environment["DAYPASS_DATABASE_URL"])
    chosen = PermissionSet(PermissionSetId("a" * 32), name, "For support.", 50, has_own_role=True)
    with database.writing() as connection:
        add_permission_set(chosen, at=NOON).apply(connection)
    database.close()


def verified(lab: Lab, operator: Operator) -> Mapping[str, str]:
    """Return what the portal's database says about the account."""
    database = Database(operator.environment["DAYPASS_DATABASE_URL"])
    with database.reading() as connection:
        digests = VerifiedPolicies(connection).digests(lab.account.id)
    database.close()
    return digests


def fence(operator: Operator, *words: str, typed: str = "", **more: str) -> Ended:
    """Run `daypass portal fence`."""
    return operator.run_inside("fence", *words, typed=typed, **more)


def test_plan_apply_and_verify_bring_an_account_and_its_roles_to_the_fence(
    lab: Lab, operator: Operator
) -> None:
    lab.old_role("dev01")
    lab.old_role("dev02")
    lab.old_role("legacy", "their-role")
    known_to_the_portal(lab, operator)

    planned = fence(operator, "plan", "--all-tenants")
    assert planned.returncode == 1
    assert "+ daypass-fence-data is missing" in planned.stdout
    assert "! dev01: generation 1\n" in planned.stdout
    assert f"! legacy: generation 1, entered role {lab.account.role_arn('their-role')}" in planned.stdout
    assert "duploservices-dev01: switch to the boundary daypass-boundary-2" in planned.stdout
    assert "their-role: " not in planned.stdout
    assert "  dev01, dev02 (policy tenant): " in planned.stdout
    assert "Reading the roles of 3 tenants." in planned.stderr
    assert lab.policy_names() == {"daypass-boundary"}
    assert verified(lab, operator) == {}

    applied = fence(operator, "apply", "--all-tenants", "--yes")
    assert applied.returncode == 0, applied.stderr
    lines = applied.stdout.splitlines()
    assert lines[-1].endswith("duploservices-dev02: delete the inline policy “tenant”")
    assert lines[-1].startswith(f"✓ {len(lines)}/{len(lines)} ")
    assert f"Account {lab.account.id}, as arn:aws:iam::{lab.account.id}:root." in applied.stderr

    checked = fence(operator, "verify")
    assert checked.returncode == 0, checked.stdout
    assert "✓ dev01: generation 2" in checked.stdout
    assert "legacy" not in checked.stdout
    assert verified(lab, operator).keys() == shared_policies(lab.account).keys()
    assert fence(operator, "plan", "--all-tenants").returncode == 0
    again = fence(operator, "apply", "--yes")
    assert (again.returncode, "Done." in again.stderr) == (0, False)

    with_own_role(operator, "support")
    planned = fence(operator, "plan", "--format", "json")
    assert planned.returncode == 1
    assert {role["role_arn"]: role["status"] for role in json.loads(planned.stdout)["set_roles"]} == {
        lab.account.role_arn("daypass-set-dev01.support"): "missing",
        lab.account.role_arn("daypass-set-dev02.support"): "missing",
        lab.account.role_arn("daypass-set-legacy.support"): "not possible",
    }
    assert (
        "Roles of permission sets\n  + daypass-set-dev01.support is missing"
        in fence(operator, "verify").stdout
    )


def test_verify_names_a_policy_that_differs_and_does_not_record_it(lab: Lab, operator: Operator) -> None:
    assert fence(operator, "apply", "--yes").returncode == 0
    assert fence(operator, "verify").returncode == 0
    other = to_json(policies.document(policies.allow(["sqs:*", "robomaker:*"], ["*"])))
    arn = lab.account.policy_arn("daypass-fence-lists")
    lab.iam.create_policy_version(PolicyArn=arn, PolicyDocument=other, SetAsDefault=True)

    checked = fence(operator, "verify", "--format", "json")

    assert checked.returncode == 1
    (different,) = (one for one in json.loads(checked.stdout)["policies"] if one["status"] != "same")
    assert different["name"] == "daypass-fence-lists"
    assert any(line.startswith("-") and line.endswith("robomaker:*") for line in different["patch"])
    assert "daypass-fence-lists" not in verified(lab, operator)
    assert "daypass-fence-data" in verified(lab, operator)


def test_the_commands_of_a_plan_do_what_apply_does(lab: Lab, operator: Operator) -> None:
    script = fence(operator, "plan", "--format", "cli").stdout
    calls = [shlex.split(line)[1:] for line in script.splitlines() if line.startswith("aws ")]
    planned = json.loads(fence(operator, "plan", "--format", "json").stdout)

    assert [shlex.join(("aws", *call)) for call in calls] == [step["command"] for step in planned["steps"]]
    for call in calls:
        assert call[0] == "iam"
        values = dict(zip(call[2::2], call[3::2], strict=False))
        if call[1] == "create-policy":
            lab.policy(values["--policy-name"], json.loads(values["--policy-document"]))
    assert fence(operator, "verify").returncode == 0


def test_apply_asks_first(lab: Lab, operator: Operator) -> None:
    for typed, said in (("n\n", "Nothing was changed."), ("", "use --yes")):
        refused = fence(operator, "apply", typed=typed)
        assert refused.returncode == 2
        assert said in refused.stderr
        assert lab.policy_names() == set()

    assert fence(operator, "apply", typed="y\n").returncode == 0
    assert lab.policy_names() == shared_policies(lab.account).keys()


def test_a_failed_step_is_reported_with_the_steps_that_are_done(lab: Lab, operator: Operator) -> None:
    lab.sandbox.control.add_fault("error", "iam", "CreatePolicy", after=3)

    failed = fence(operator, "apply", "--yes")

    assert failed.returncode == 1
    assert failed.stdout.count("✓") == 3
    assert (
        f"Step 4 of {len(shared_policies(lab.account)) + 1} failed. AWS reported an internal error"
        in failed.stderr
    )
    assert "Steps 1 to 3 are done." in failed.stderr
    lab.sandbox.control.clear_faults()
    assert fence(operator, "apply", "--yes").returncode == 0
    assert fence(operator, "verify").returncode == 0


def test_an_interruption_reports_the_steps_that_are_done(lab: Lab, operator: Operator) -> None:
    lab.sandbox.control.add_fault("delay", "iam", "CreatePolicy", after=1, delay=timedelta(minutes=1))
    for name in ("typed", "out"):
        (operator.home / name).touch()
    process = Forked(["portal", "fence", "apply", "--yes"], operator.environment, operator.home)
    try:
        wait_until(lambda: "✓ 1/" in (operator.home / "out").read_text())
        process.send_signal(signal.SIGINT)
        code = process.wait(PATIENCE)
    finally:
        process.kill()
        lab.sandbox.control.clear_faults()

    assert code == 130
    count = len(shared_policies(lab.account)) + 1
    assert f"Interrupted in step 2 of {count}. Step 1 is done." in (operator.home / "err").read_text()


def test_missing_rights_point_to_the_owner_of_the_account(lab: Lab, operator: Operator) -> None:
    portal = lab.portal_keys
    keys = {"AWS_ACCESS_KEY_ID": portal.access_key_id, "AWS_SECRET_ACCESS_KEY": portal.secret_access_key}

    refused = fence(operator, "plan", **keys)
    assert refused.returncode == 2
    assert f"AWS does not let {lab.portal_arn} read the policy" in refused.stderr
    allowed = policies.document(policies.allow(["iam:Get*", "iam:List*", "sts:*"], ["*"]))
    lab.iam.put_user_policy(UserName="portal", PolicyName="read", PolicyDocument=to_json(allowed))
    refused = fence(operator, "apply", "--yes", **keys)
    lab.iam.delete_user_policy(UserName="portal", PolicyName="read")

    assert refused.returncode == 1
    assert "It takes iam:CreatePolicy." in refused.stderr
    assert "`daypass portal fence plan --format cli`" in refused.stderr
    assert "aws-setup --format cloudformation" in refused.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["plan", "--tenant", "nowhere"], 2, "No tenant nowhere has a role in the account"),
        (["apply", "--rollback", "--all-tenants"], 2, "--rollback goes with none of"),
        (["apply", "--rollback", "--yes"], 1, "nothing to go back to"),
        (["plan", "--profile", "nowhere"], 2, "no such profile"),
    ],
)
@pytest.mark.usefixtures("lab")
def test_a_request_that_cannot_be_met_is_explained(
    operator: Operator, words: list[str], code: int, said: str
) -> None:
    refused = fence(operator, *words)

    assert refused.returncode == code
    assert said in refused.stderr
