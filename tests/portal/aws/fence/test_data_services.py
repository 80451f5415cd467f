"""Rules of single services for data, messages, secrets and files, with an independent IAM evaluator."""

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

import pytest

from daypass.portal.accounts.model import Account
from daypass.portal.aws.fence.documents import POLICIES, TENANT, fence
from daypass.portal.aws.fence.model import PolicyName
from daypass.portal.aws.policies import Document, document
from tests.evaluator.run import ACCOUNT_ID, Request, Rights, allowed

ACCOUNT = Account.known("aws", ACCOUNT_ID, "duploservices-", "duplomaster")
OTHER_ACCOUNT_ID = "210987654321"

Context: TypeAlias = Mapping[str, str | list[str]]

SESSION: Context = {"aws:PrincipalTag/TENANT_NAME": "dev01", "aws:userid": "AROAX:dana"}
OWN_TAG: Context = {"aws:ResourceTag/TENANT_NAME": "dev01"}
NEW_TAG: dict[str, str | list[str]] = {"aws:RequestTag/TENANT_NAME": "dev01", "aws:TagKeys": ["TENANT_NAME"]}
CREATION = {"elasticfilesystem:CreateAction": "CreateFileSystem"}

OBJECT = "arn:aws:s3:::duploservices-dev01-files/k"
TOPIC = f"arn:aws:sns:us-west-2:{ACCOUNT_ID}:duploservices-dev01-news"
QUEUE = f"arn:aws:sqs:us-west-2:{ACCOUNT_ID}:duploservices-dev01-jobs"
FUNCTION = f"arn:aws:lambda:us-west-2:{ACCOUNT_ID}:function:duploservices-dev01-f"
ALARM = f"arn:aws:cloudwatch:us-west-2:{ACCOUNT_ID}:alarm:duploservices-dev01-errors"
SECRET = f"arn:aws:secretsmanager:us-west-2:{ACCOUNT_ID}:secret:duploservices-dev01-db-a1B2c3"
PARAMETER = f"arn:aws:ssm:us-west-2:{ACCOUNT_ID}:parameter/"
INSTANCE = f"arn:aws:ec2:us-west-2:{ACCOUNT_ID}:instance/i-0a1b2c3d4e5f60718"
DOCUMENT = f"arn:aws:ssm:us-west-2:{ACCOUNT_ID}:document/"
SHELL = f"arn:aws:ssm:us-west-2:{ACCOUNT_ID}:session/AROAX"
KEY = f"arn:aws:kms:us-west-2:{ACCOUNT_ID}:key/1234abcd"
FILES = f"arn:aws:elasticfilesystem:us-west-2:{ACCOUNT_ID}:file-system/fs-0a1b2c3d"


def elsewhere(arn: str) -> str:
    return arn.replace(ACCOUNT_ID, OTHER_ACCOUNT_ID)


def of(tenant: str, arn: str) -> str:
    return arn.replace("dev01", tenant)


def open_policy() -> Document:
    """Return a resource policy that admits everybody."""
    return document({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"})


def request(action: str, resource: str = "*", context: Context | None = None) -> Request:
    return Request(
        action,
        resource,
        {**SESSION, **(context or {})},
        account_id=OTHER_ACCOUNT_ID if OTHER_ACCOUNT_ID in resource else ACCOUNT_ID,
        named_in=open_policy() if OTHER_ACCOUNT_ID in resource else owner_policy(resource),
    )


def owner_policy(resource: str) -> Document | None:
    """Return the usual policy of a key, which leaves the decision to IAM; other resources have none."""
    if ":key/" not in resource:
        return None
    owner = {"AWS": f"arn:aws:iam::{ACCOUNT_ID}:root"}
    return document({"Effect": "Allow", "Principal": owner, "Action": "kms:*", "Resource": "*"})


def acl(name: str) -> Request:
    return request("s3:PutObjectAcl", OBJECT, {"aws:ResourceAccount": ACCOUNT_ID, "s3:x-amz-acl": name})


def encrypted(key: str) -> Request:
    context = {"aws:ResourceAccount": ACCOUNT_ID, "s3:x-amz-server-side-encryption-aws-kms-key-id": key}
    return request("s3:PutObject", OBJECT, context)


def subscription(protocol: str, endpoint: str) -> Request:
    return request("sns:Subscribe", TOPIC, {"sns:Protocol": protocol, "sns:Endpoint": endpoint})


def alarm(*actions: str) -> Request:
    return request("cloudwatch:PutMetricAlarm", ALARM, {"cloudwatch:AlarmActions": list(actions)})


def metric(namespace: str) -> Request:
    return request("cloudwatch:PutMetricData", context={"cloudwatch:namespace": namespace})


def tagging(context: Context) -> Request:
    return request("elasticfilesystem:TagResource", FILES, context)


# By rule: the requests that are allowed, and those that are denied.
RULES: dict[str, tuple[list[Request], list[Request]]] = {
    "a bucket of another account is not the tenant's": (
        [request("s3:GetObject", OBJECT, {"aws:ResourceAccount": ACCOUNT_ID})],
        [request("s3:GetObject", OBJECT, {"aws:ResourceAccount": OTHER_ACCOUNT_ID})],
    ),
    "an ACL admits the owner of the bucket only": (
        [acl("private"), acl("bucket-owner-full-control")],
        [acl("public-read"), request("s3:PutObjectAcl", OBJECT, {"s3:x-amz-grant-read": "id=someone"})],
    ),
    "objects are encrypted with keys of the account": (
        [encrypted(KEY), encrypted("1234abcd"), encrypted("alias/aws/s3")],
        [encrypted(elsewhere(KEY)), encrypted(elsewhere(KEY).replace("key/1234abcd", "alias/theirs"))],
    ),
    "a topic delivers to queues and functions of the tenant": (
        [subscription("sqs", QUEUE), subscription("lambda", FUNCTION)],
        [
            subscription("sqs", of("data01", QUEUE)),
            subscription("sqs", of("dev012", QUEUE)),
            subscription("sqs", elsewhere(QUEUE)),
            subscription("email", f"{QUEUE}@example.net"),
            request("sns:Subscribe", TOPIC),
        ],
    ),
    "an alarm notifies topics and functions of the tenant": (
        [alarm(), alarm(TOPIC), alarm(TOPIC, FUNCTION)],
        [
            alarm(of("data01", TOPIC)),
            alarm(TOPIC, elsewhere(TOPIC)),
            alarm(TOPIC, "arn:aws:automate:us-west-2:ec2:stop"),
        ],
    ),
    "metrics have a namespace of the tenant": (
        [metric("duploservices-dev01-app"), metric("duploservices-dev01/app")],
        [metric("duploservices-data01-app"), metric("duploservices-dev012/app"), metric("AWS/SQS")],
    ),
    "a secret has no replicas and is rotated by functions": (
        [
            request("secretsmanager:CreateSecret", SECRET),
            request("secretsmanager:RotateSecret", SECRET, {"secretsmanager:RotationLambdaARN": FUNCTION}),
        ],
        [
            request(
                "secretsmanager:CreateSecret", SECRET, {"secretsmanager:AddReplicaRegions": ["eu-west-1"]}
            ),
            request(
                "secretsmanager:RotateSecret",
                SECRET,
                {"secretsmanager:ExternalSecretRotationRoleArn": f"arn:aws:iam::{ACCOUNT_ID}:role/other"},
            ),
        ],
    ),
    "a path of parameters is that of the tenant": (
        [
            request("ssm:GetParametersByPath", f"{PARAMETER}duploservices-dev01"),
            request("ssm:GetParameter", f"{PARAMETER}duploservices-dev01/db/user"),
        ],
        [
            request("ssm:GetParametersByPath", f"{PARAMETER}duploservices-dev012"),
            request("ssm:GetParametersByPath", f"{PARAMETER}shared"),
        ],
    ),
    "commands are sent to instances of the tenant, with known documents": (
        [
            request("ssm:SendCommand", INSTANCE, OWN_TAG),
            request("ssm:SendCommand", f"{DOCUMENT}AWS-RunShellScript"),
            request("ssm:StartSession", f"{DOCUMENT}SSM-SessionManagerRunShell"),
        ],
        [
            request("ssm:SendCommand", INSTANCE),
            request("ssm:SendCommand", f"{DOCUMENT}AWS-RunRemoteScript"),
            request("ssm:StartAutomationExecution", f"{DOCUMENT}AWS-RunShellScript"),
            # Tagging an instance here would pass by the rules of EC2.
            request("ssm:AddTagsToResource", INSTANCE, OWN_TAG),
        ],
    ),
    "a shell session is ended by its user": (
        [request("ssm:TerminateSession", f"{SHELL}:dana-0f")],
        [request("ssm:TerminateSession", f"{SHELL}:bob-0f")],
    ),
    "a grant of a key is for a resource of AWS": (
        [request("kms:CreateGrant", KEY, {**OWN_TAG, "kms:GrantIsForAWSResource": "true"})],
        [
            request("kms:CreateGrant", KEY, OWN_TAG),
            request("kms:CreateGrant", KEY, {**OWN_TAG, "kms:GrantIsForAWSResource": "false"}),
        ],
    ),
    "the tag of a key or file system in another account does not count": (
        [request("kms:Decrypt", KEY, OWN_TAG), request("elasticfilesystem:ClientMount", FILES, OWN_TAG)],
        [
            request("kms:Decrypt", elsewhere(KEY), OWN_TAG),
            request("elasticfilesystem:ClientMount", elsewhere(FILES), OWN_TAG),
        ],
    ),
    "a file system gets the tenant's tag while it is created": (
        [tagging(NEW_TAG | CREATION)],
        [tagging(NEW_TAG), tagging(NEW_TAG | CREATION | {"aws:RequestTag/TENANT_NAME": "data01"})],
    ),
}


def statements(*names: PolicyName) -> list[Any]:
    """Return the statements of shared policies for the tenant."""
    policies = fence(ACCOUNT)
    # The evaluator does not know variables in all ARNs.
    texts = [json.dumps(policies[name]).replace(TENANT, "dev01") for name in names]
    return [statement for text in texts for statement in json.loads(text)["Statement"]]


@pytest.fixture(scope="module")
def permitted() -> set[str]:
    """Evaluate all requests in one process, and return those that AWS would allow."""
    every = [each for rule in RULES.values() for requests in rule for each in requests]
    return allowed(Rights(document(*statements(*POLICIES))), every)


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_of_a_service_allows_and_denies(rule: str, permitted: set[str]) -> None:
    allow, deny = ({str(each) for each in requests} for requests in RULES[rule])

    assert allow - permitted == set()
    assert deny & permitted == set()


@pytest.mark.parametrize("policy", ["data", "guards"])
def test_a_bucket_of_another_account_is_refused_by_each_of_two_policies(policy: PolicyName) -> None:
    own = request("s3:GetObject", OBJECT, {"aws:ResourceAccount": ACCOUNT_ID})
    foreign = request("s3:GetObject", OBJECT, {"aws:ResourceAccount": OTHER_ACCOUNT_ID})
    more: list[Any] = [] if policy == "data" else [{"Effect": "Allow", "Action": "*", "Resource": "*"}]

    assert allowed(Rights(document(*statements(policy), *more)), [own, foreign]) == {str(own)}
