"""The rights of a tenant's sessions under the generated policies, for the IAM evaluator."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from daypass.portal.accounts.model import Account
from daypass.portal.aws.fence.documents import TENANT, boundary, fence, resolve
from daypass.portal.aws.fence.levels import LevelName, levels
from daypass.portal.aws.fence.model import Example
from daypass.portal.aws.policies import Document, as_list, document
from tests.evaluator.authorization_data import actions
from tests.evaluator.run import ACCOUNT_ID, Request, Rights

ACCOUNT = Account.known("aws", ACCOUNT_ID, "duploservices-", "duplomaster")
OTHER_ACCOUNT_ID = "210987654321"
TAG = "TENANT_NAME"


_KEY_POLICY: Document = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT_ID}:root"},
            "Action": "kms:*",
            "Resource": "*",
        }
    ],
}


@dataclass(frozen=True, slots=True)
class Case:
    """A request, and whether it must be allowed."""

    name: str
    request: Request
    is_allowed: bool


@cache
def rights(action: str, tenant: str = "dev01", level: LevelName | None = None) -> Rights:
    """Return the rights of a session of a tenant to one action.

    The evaluator does not know variables in ARNs without a type, so they are substituted. It takes its time
    for each statement, so those that name only other actions are left out.
    """
    role, limit = _policies(tenant)
    return Rights(
        role=_about(role, action),
        boundary=_about(limit, action),
        session=None if level is None else _about(_of_level(level), action),
        principal=f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/duploservices-{tenant}/dana@example.com",
    )


@cache
def _policies(tenant: str) -> tuple[Document, Document]:
    """Return the policies of a tenant's role as one, and its boundary."""
    role = [statement for policy in fence(ACCOUNT).values() for statement in as_list(policy["Statement"])]
    found: tuple[Document, Document] = tuple(
        json.loads(json.dumps(policy).replace(TENANT, tenant))
        for policy in (document(*role), boundary(ACCOUNT))
    )
    return found


@cache
def _of_level(level: LevelName) -> Document:
    return levels()[level]


def _about(policy: Document, action: str) -> Document:
    statements = []
    for statement in as_list(policy["Statement"]):
        named = [each for each in as_list(statement["Action"]) if fnmatchcase(action.lower(), each.lower())]
        if named:
            statements.append(statement | {"Action": named})
    return document(*statements)


def request(action: str, resource: str, context: Mapping[str, Any] = {}, tenant: str = "dev01") -> Request:
    """Return a request of a tenant's session with the keys that AWS sends, or the keys of *context*.

    A key about tags is left out if AWS does not send it with the action, because the evaluator would use it.
    """
    known = actions(action.partition(":")[0])[action.lower()].keys
    sent = {
        key: value
        for key, value in context.items()
        if not key.lower().startswith(("aws:resourcetag/", "aws:requesttag/", "aws:tagkeys"))
        or key.lower().partition("/")[0] in known
    }
    account_id = sent.get("aws:ResourceAccount", ACCOUNT_ID)
    return Request(
        action,
        resource,
        {f"aws:PrincipalTag/{TAG}": tenant, "aws:ResourceAccount": account_id} | sent,
        account_id=account_id,
        # The default key policy leaves the decision to the policies of the account. Without a key policy, a
        # key denies everything.
        named_in=_KEY_POLICY if action.startswith("kms:") else None,
    )


def tagged(tenant: str, key: str = TAG) -> dict[str, Any]:
    """Return the key of a resource with a tenant's tag."""
    return {f"aws:ResourceTag/{key}": tenant}


def tagging(tenant: str, key: str = TAG) -> dict[str, Any]:
    """Return the keys of a request that sets a tenant's tag."""
    return {f"aws:RequestTag/{key}": tenant, "aws:TagKeys": [key]}


def derived(example: Example) -> Sequence[Case]:
    """Return the example and the requests that must be denied because of it."""
    return {"name": _by_name, "tag": _by_tag, "create": _by_request}[example.fence](example)


def _by_name(example: Example) -> Sequence[Case]:
    own = resolve(example.resource, ACCOUNT, "dev01")
    cases = [_case(example, "own", own, {}, is_allowed=True)]
    for other in ("dev02", "dev012", "other"):
        resource = resolve(example.resource, ACCOUNT, other)
        cases.append(_case(example, other, resource, {}, is_allowed=False))
    foreign = {"aws:ResourceAccount": OTHER_ACCOUNT_ID}
    elsewhere = own.replace(ACCOUNT_ID, OTHER_ACCOUNT_ID)
    cases.append(_case(example, "foreign account", elsewhere, foreign, is_allowed=False))
    # AWS knows the tags of a bucket only where the bucket's owner has turned that on.
    if "aws:resourcetag" in _keys(example) and not example.action.startswith("s3:"):
        cases.append(_case(example, "tagged by dev02", own, tagged("dev02"), is_allowed=False))
        cases.append(_case(example, "oddly tagged", own, tagged("dev02", "Tenant_Name"), is_allowed=False))
    if "aws:requesttag" in _keys(example):
        cases.append(_case(example, "tags for dev02", own, tagging("dev02"), is_allowed=False))
        cases.append(_case(example, "tags oddly", own, tagging("dev02", "tenant_Name"), is_allowed=False))
    return cases


def _by_tag(example: Example) -> Sequence[Case]:
    resource = resolve(example.resource, ACCOUNT, "dev01")
    return [
        _case(example, "own", resource, tagged("dev01"), is_allowed=True),
        _case(example, "untagged", resource, {}, is_allowed=False),
        *(
            _case(example, f"of {other}", resource, tagged(other), is_allowed=False)
            for other in ("dev02", "dev012", "dev01-x", "DEV01", "")
        ),
        _case(example, "oddly tagged", resource, tagged("dev02", "tenant_name"), is_allowed=False),
    ]


def _by_request(example: Example) -> Sequence[Case]:
    resource = resolve(example.resource, ACCOUNT, "dev01")
    other_key = {"aws:RequestTag/Name": "x", "aws:TagKeys": ["Name"]}
    return [
        _case(example, "for dev01", resource, tagging("dev01"), is_allowed=True),
        _case(example, "untagged", resource, {}, is_allowed=False),
        _case(example, "tagged otherwise", resource, other_key, is_allowed=False),
        *(
            _case(example, f"for {other}", resource, tagging(other), is_allowed=False)
            for other in ("dev02", "dev012", "")
        ),
        _case(example, "oddly", resource, tagging("dev02", "Tenant_Name"), is_allowed=False),
    ]


def _case(
    example: Example, name: str, resource: str, context: Mapping[str, Any], *, is_allowed: bool
) -> Case:
    made = request(example.action, resource, {**filled(example, "dev01"), **context})
    return Case(f"{example.action} {name}", made, is_allowed)


def filled(example: Example, tenant: str) -> dict[str, Any]:
    """Return the further condition keys of an example, with a tenant's name in the placeholders."""
    return {
        key: resolve(value, ACCOUNT, tenant)
        if isinstance(value, str)
        else [resolve(each, ACCOUNT, tenant) for each in value]
        for key, value in example.context.items()
    }


def _keys(example: Example) -> frozenset[str]:
    return actions(example.action.partition(":")[0])[example.action.lower()].keys
