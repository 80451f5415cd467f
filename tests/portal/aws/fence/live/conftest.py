"""An account in the sandbox that has the shared policies, and an operator who is not its root."""

import time
from pathlib import Path

import boto3
import pytest

from daypass.portal.accounts.model import Account
from daypass.portal.aws import policies
from daypass.portal.aws.fence.live.run import LiveVerification
from daypass.portal.aws.fence.live.trial import Endpoint, Identity, Names
from daypass.portal.aws.fence.shared import shared_policies
from daypass.portal.aws.policies import to_json
from tests.fixtures.sandbox import Keys
from tests.portal.aws.fence.rollout.conftest import Lab, lab, lab_process, portal_user
from tests.portal.processes import Operator

__all__ = ["lab", "lab_process", "portal_user"]


@pytest.fixture
def fenced(lab: Lab) -> Lab:
    """An account that has the shared policies of this version."""
    for name, document in shared_policies(lab.account).items():
        lab.policy(name, document)
    return lab


@pytest.fixture
def operator_keys(lab: Lab) -> Keys:
    """The keys of a user who may do everything."""
    iam, name = lab.iam, "operator"
    if name not in {user["UserName"] for user in iam.list_users()["Users"]}:
        iam.create_user(UserName=name)
        everything = to_json(policies.document(policies.allow(["*"], ["*"])))
        iam.put_user_policy(UserName=name, PolicyName="everything", PolicyDocument=everything)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return Keys(key["AccessKeyId"], key["SecretAccessKey"])


@pytest.fixture
def operator(lab: Lab, operator_keys: Keys, tmp_path: Path) -> Operator:
    """An operator with these keys in the environment."""
    environment = {
        "HOME": str(tmp_path),
        "DAYPASS_DATABASE_URL": f"sqlite:///{tmp_path / 'unused.db'}",
        "DAYPASS_AWS_REGION": lab.sandbox.region,
        "DAYPASS_AWS_ENDPOINT_URL": lab.sandbox.endpoint_url,
        "AWS_ACCESS_KEY_ID": operator_keys.access_key_id,
        "AWS_SECRET_ACCESS_KEY": operator_keys.secret_access_key,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
    }
    return Operator(tmp_path, environment)


@pytest.fixture
def verification(fenced: Lab, operator_keys: Keys, monkeypatch: pytest.MonkeyPatch) -> LiveVerification:
    """A run that waits for nothing."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    endpoint = Endpoint(fenced.sandbox.region, fenced.sandbox.endpoint_url)
    session = boto3.Session(operator_keys.access_key_id, operator_keys.secret_access_key)
    account = Account.known(
        "aws", fenced.account.id, "duploservices-", "duplomaster", region=fenced.sandbox.region
    )
    return LiveVerification(
        Identity(session, endpoint), endpoint, Names.new(account), 0, time.monotonic, lambda _: None
    )
