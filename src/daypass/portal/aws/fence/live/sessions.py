"""Checks of sessions: session tags, session policies, and the role's own tag.

The checks are made in this order: `other-session` follows `ended-session`, whose policy is in effect by then.
"""

from collections.abc import Sequence

from daypass.portal.aws.fence.levels import level_policy_name
from daypass.portal.aws.fence.live.model import Answer, LiveCheck
from daypass.portal.aws.fence.live.trial import OTHER_TENANT, Client, Trial
from daypass.portal.aws.policies import TENANT_TAG, Statement, document, to_json

_READ_ONLY, _DATA_READER = level_policy_name("read-only"), level_policy_name("data-reader")
_SEND: Statement = {"Sid": "Send", "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}
_NO_SEND: Statement = {"Effect": "Deny", "Action": "sqs:SendMessage", "Resource": "*"}
_NO_ATTRIBUTES: Statement = {"Effect": "Deny", "Action": "sqs:GetQueueAttributes", "Resource": "*"}
_TRUST = (
    "The role's trust policy does not hold what it names. Do not migrate roles: compare the policy with "
    "`daypass portal doctor`, and report the answer."
)
_NARROWING = (
    "Permission sets give more or less than their pages say. Use `full` and `read-only` alone until a "
    "release takes the answer into account, and report it."
)
_NO_TAG = (
    "A role that loses its tag is not stopped by the fence. Let only trusted identities call iam:UntagRole, "
    "and report the answer."
)


def _read(sqs: Client, trial: Trial, queue: str = "") -> None:
    url = trial.queue_url(queue or trial.names.own_queue)
    sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])


def _send(sqs: Client, trial: Trial, queue: str = "") -> None:
    sqs.send_message(QueueUrl=trial.queue_url(queue or trial.names.own_queue), MessageBody="check")


def _assume_with_tag(trial: Trial, key: str, value: str) -> None:
    trial.assume(tags={key: value})


def _assume_largest(trial: Trial) -> str:
    long: Statement = {
        "Effect": "Deny",
        "Action": [f"ec2:Create{number:04}" for number in range(70)],
        "Resource": "*",
    }
    answer = trial.assume((_READ_ONLY,), long, issuance="0" * 36)
    return f"PackedPolicySize {answer.get('PackedPolicySize', 'is missing')} %"


def _end(trial: Trial) -> None:
    """End the session “ended” with an inline policy of the role, as the portal would."""
    sqs = trial.session("ended").client("sqs")
    ended: Statement = {
        "Effect": "Deny",
        "Action": "*",
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:PrincipalTag/daypass:issuance": ["ended"]}},
    }
    trial.as_operator("iam").put_role_policy(
        RoleName=trial.names.prefix, PolicyName="ended", PolicyDocument=to_json(document(ended))
    )
    _read(sqs, trial)


SESSIONS: Sequence[LiveCheck] = (
    LiveCheck(
        "session-tag-tenant-name",
        f"Assume the tenant's role with the session tag {TENANT_TAG} of another tenant",
        Answer.DENIED,
        "Does the trust policy keep a caller from replacing the role's tag?",
        _TRUST,
        lambda trial: _assume_with_tag(trial, TENANT_TAG, OTHER_TENANT),
    ),
    LiveCheck(
        "session-tag-other-case",
        f"Assume the tenant's role with the session tag {TENANT_TAG.lower()} of another tenant",
        Answer.DENIED,
        "Does a condition on `aws:TagKeys` that ignores case cover session tags?",
        _TRUST,
        lambda trial: _assume_with_tag(trial, TENANT_TAG.lower(), OTHER_TENANT),
    ),
    LiveCheck(
        "session-tag-other-tenant",
        "Assume the role with another tenant in the session tag daypass:tenant",
        Answer.DENIED,
        "Does the trust policy pin the value of a session tag?",
        _TRUST,
        lambda trial: _assume_with_tag(trial, "daypass:tenant", OTHER_TENANT),
    ),
    LiveCheck(
        "session-without-external-id",
        "Assume the role without its ExternalId",
        Answer.DENIED,
        "Is the ExternalId required although the principal is of the same account?",
        _TRUST,
        lambda trial: trial.assume(ExternalId=None),
    ),
    LiveCheck(
        "session-policy-missing",
        "Assume the role with the ARN of a session policy that does not exist",
        Answer.REFUSED,
        "Does a missing policy of a permission set end in an error, and with which code?",
        "A session without the policy has all rights of its role. Use no permission set but `full`, and "
        "report the answer.",
        lambda trial: trial.assume(("daypass-level-missing",)),
    ),
    LiveCheck(
        "level-narrows",
        "Send a message with a read-only session",
        Answer.DENIED,
        "Does a managed session policy limit a session?",
        _NARROWING,
        lambda trial: _send(trial.session("reading", (_READ_ONLY,)).client("sqs"), trial),
    ),
    LiveCheck(
        "level-union",
        "Send a message with the policy of data-reader, and an inline session policy that allows sending",
        Answer.ALLOWED,
        "Do session policies unite, so that a second Allow adds rights?",
        "Two permission sets in one session would allow what both allow. Nothing that Daypass sends becomes "
        "wider; report the answer.",
        lambda trial: _send(trial.session("union", (_DATA_READER,), _SEND).client("sqs"), trial),
    ),
    LiveCheck(
        "level-and-deny",
        "Read a queue with the policy of read-only and an inline session policy that denies reading",
        Answer.DENIED,
        "Does an inline Deny narrow a managed session policy?",
        _NARROWING,
        lambda trial: _read(trial.session("narrowed", (_READ_ONLY,), _NO_ATTRIBUTES).client("sqs"), trial),
    ),
    LiveCheck(
        "deny-alone",
        "Read a queue with nothing but an inline session policy that denies sending",
        Answer.DENIED,
        "Does a session policy of Denies alone allow nothing?",
        "Sessions of sets that only deny work without the Allow that Daypass adds. Nothing becomes wider; "
        "report the answer.",
        lambda trial: _read(trial.session("denying", (), _NO_SEND).client("sqs"), trial),
    ),
    LiveCheck(
        "packed-policy-size",
        "Assume the role with the longest tags, a managed and an inline session policy of 1,200 characters",
        Answer.ALLOWED,
        "How much of the session's limit do policies and tags take?",
        "Sessions with custom permission sets can fail with PackedPolicyTooLarge. Shorten their Denies.",
        _assume_largest,
    ),
    LiveCheck(
        "ended-session",
        "Read a queue with a session whose issuance the role's inline policy denies",
        Answer.DENIED,
        "Does `aws:PrincipalTag/daypass:issuance` end a single running session?",
        "A single session cannot be ended with the role's policy. Report the answer.",
        _end,
    ),
    LiveCheck(
        "other-session",
        "Read a queue with another session of the role than the one whose issuance is denied",
        Answer.ALLOWED,
        "Do the role's other sessions go on?",
        "Ending one session ends all sessions of the tenant. Report the answer.",
        lambda trial: _read(trial.tenant("sqs"), trial),
    ),
    LiveCheck(
        "no-tenant-list",
        f"List queues with a role that has the fence and no tag {TENANT_TAG}",
        Answer.DENIED,
        "Does a statement with an unresolved variable deny, or is it void?",
        _NO_TAG,
        lambda trial: trial.untagged("sqs").list_queues(),
    ),
    LiveCheck(
        "similar-name",
        "Send a message to a queue of a tenant whose name begins with this tenant's name",
        Answer.DENIED,
        "Does a policy variable before a wildcard end where the tag's value ends?",
        "The fence does not separate tenants with similar names. Migrate no roles, and report the answer.",
        lambda trial: _send(trial.tenant("sqs"), trial, trial.names.similar_queue),
    ),
)
