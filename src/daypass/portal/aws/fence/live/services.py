"""Checks of single services: launches, passed roles, buckets, resource policies, forwarded calls."""

import io
import zipfile
from collections.abc import Sequence

from daypass.portal.aws.fence.live.model import Answer, LiveCheck
from daypass.portal.aws.fence.live.resources import queue_policy, security_group
from daypass.portal.aws.fence.live.trial import Identity, Trial
from daypass.portal.aws.policies import Statement

_PARTS = (
    "Launches by members fail, or launch with parts of another owner. Offer no EC2 to tenants of the account "
    "until a release takes the answer into account, and report it."
)
_PASSING = (
    "Members can give a service another role than the tenant's. Do not migrate roles, and report the answer."
)
_FORWARDED = (
    "A permission set that limits addresses stops services that act for the member as well, or does not stop "
    "the member. Use no such set, and report the answer."
)
# No client has this address, which is reserved for documentation.
_NOWHERE = "192.0.2.1/32"


def _launch(trial: Trial, *tagged: str, group: str | None) -> None:
    operator = trial.as_operator("ec2")
    images = operator.describe_images(
        Owners=["amazon"],
        Filters=[
            {"Name": "name", "Values": ["al2023-ami-minimal-*-x86_64"]},
            {"Name": "state", "Values": ["available"]},
        ],
    )["Images"]
    trial.tenant("ec2").run_instances(
        ImageId=images[0]["ImageId"] if images else "ami-0123456789abcdef0",
        InstanceType="t3.micro",
        MinCount=1,
        MaxCount=1,
        TagSpecifications=[{"ResourceType": kind, "Tags": trial.tags()} for kind in tagged],
        DryRun=True,
        **({"SecurityGroupIds": [group]} if group else {}),
    )


def _own_group(trial: Trial) -> str:
    return security_group(trial, "tagged", is_tagged=True)


def _create_function(trial: Trial, role: str) -> None:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as file:
        file.writestr("index.py", "def handler(event, context):\n    return event\n")
    trial.tenant("lambda").create_function(
        FunctionName=f"{trial.names.prefix}-f",
        Runtime="python3.13",
        Handler="index.handler",
        Role=trial.names.account.role_arn(role),
        Code={"ZipFile": package.getvalue()},
        Tags=trial.tag,
    )


def _create_bucket(trial: Trial) -> None:
    region = trial.endpoint.region
    place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    trial.tenant("s3").create_bucket(Bucket=f"{trial.names.prefix}-bucket", **place)


def _send_by_resource_policy(trial: Trial, queue: str) -> None:
    arn = trial.tenant("sts").get_caller_identity()["Arn"]
    # Both at once: as soon as one policy shows its effect, the other is in effect as well.
    for name in (trial.names.foreign_queue, trial.names.similar_queue):
        queue_policy(trial, name, arn)
    trial.tenant("sqs").send_message(QueueUrl=trial.queue_url(queue), MessageBody="check")


def _far_away(trial: Trial) -> Identity:
    """Return a session that may use KMS from no address, except by way of another service."""
    everything: Statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    from_elsewhere: Statement = {
        "Effect": "Deny",
        "Action": "kms:*",
        "Resource": "*",
        "Condition": {
            "NotIpAddress": {"aws:SourceIp": _NOWHERE},
            "Bool": {"aws:ViaAWSService": "false"},
        },
    }
    return trial.session("far away", (), everything, from_elsewhere)


def _read_encrypted(trial: Trial) -> None:
    name = f"{trial.names.prefix}-p"
    trial.as_operator("ssm").put_parameter(Name=name, Value="x", Type="SecureString", Overwrite=True)
    _far_away(trial).client("ssm").get_parameter(Name=name, WithDecryption=True)


SERVICES: Sequence[LiveCheck] = (
    LiveCheck(
        "run-instances",
        "Launch an instance with the tenant's security group and its tag on all parts, as a dry run",
        Answer.ALLOWED,
        "Which parts of a launch does AWS decide, and with which keys?",
        _PARTS,
        lambda trial: _launch(trial, "instance", "volume", "network-interface", group=_own_group(trial)),
    ),
    LiveCheck(
        "run-instances-untagged-volume",
        "Launch an instance with the tenant's security group and no tag on the volume, as a dry run",
        Answer.DENIED,
        "Is the request's tag decided for each part?",
        _PARTS,
        lambda trial: _launch(trial, "instance", group=_own_group(trial)),
    ),
    LiveCheck(
        "run-instances-default-group",
        "Launch an instance without a security group, so that AWS takes the default one, as a dry run",
        Answer.DENIED,
        "Does AWS decide the parts that a request does not name?",
        _PARTS,
        lambda trial: _launch(trial, "instance", "volume", "network-interface", group=None),
    ),
    LiveCheck(
        "pass-foreign-role",
        "Create a Lambda function with the portal's master role",
        Answer.DENIED,
        "Is iam:PassRole decided by the ARN of the passed role?",
        _PASSING,
        lambda trial: _create_function(trial, trial.names.account.master_role),
    ),
    LiveCheck(
        "pass-own-role",
        "Create a Lambda function with a role of the tenant",
        Answer.ALLOWED,
        "Does `iam:PassedToService` name the service as the catalogue does?",
        "Members cannot use their roles in Lambda. Nothing becomes wider; report the answer.",
        lambda trial: _create_function(trial, trial.names.passed_role),
    ),
    LiveCheck(
        "create-bucket",
        "Create a bucket with the tenant's prefix",
        Answer.ALLOWED,
        "Which value does `aws:ResourceAccount` have while a bucket is created?",
        "Members cannot create buckets. An Administrator or the pipeline creates them; report the answer.",
        _create_bucket,
    ),
    LiveCheck(
        "resource-policy-names-session",
        "Send a message to a queue outside the tenant's prefix, whose own policy names the session",
        Answer.ALLOWED,
        "Does a resource policy that names a session bypass the Allow of the boundary?",
        "The boundary limits more than Daypass assumes. Nothing becomes wider; report the answer.",
        lambda trial: _send_by_resource_policy(trial, trial.names.similar_queue),
    ),
    LiveCheck(
        "resource-policy-and-guard",
        "Send a message to a queue with another tenant's tag, whose own policy names the session",
        Answer.DENIED,
        "Do the Denies of the boundary hold against a resource policy that names the session?",
        "The owner of a resource can admit a session whatever the boundary says. Watch resource policies "
        "that name sessions, and report the answer.",
        lambda trial: _send_by_resource_policy(trial, trial.names.foreign_queue),
    ),
    LiveCheck(
        "address-direct",
        "List KMS aliases with a session that denies KMS from this address, except for forwarded calls",
        Answer.DENIED,
        "Is `aws:ViaAWSService` false in a direct request?",
        _FORWARDED,
        lambda trial: _far_away(trial).client("kms").list_aliases(),
    ),
    LiveCheck(
        "address-forwarded",
        "Read an encrypted parameter, so that Systems Manager calls KMS, with a session that denies KMS from "
        "this address, except for forwarded calls",
        Answer.ALLOWED,
        "Is `aws:ViaAWSService` true in a forwarded request?",
        _FORWARDED,
        _read_encrypted,
    ),
)
