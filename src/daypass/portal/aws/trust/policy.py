"""The trust policy that the portal writes, and its merge into a role's existing one."""

from collections.abc import Mapping
from typing import Any

from daypass.portal.access.session_names import TENANT_TAG as TENANT_SESSION_TAG
from daypass.portal.aws.policies import SESSION_ACTIONS, TENANT_TAG, Document, Statement, as_list, document

LARGEST_TRUST_POLICY = 2048
"""AWS's quota for the characters of a trust policy, unless the account has a higher one."""

_OWN_SIDS = "Daypass"
_ASSUME, _SET_SOURCE_IDENTITY, _TAG = SESSION_ACTIONS
_OWN_KEYS = "daypass:*"
# EKS Pod Identity gives a pod's session these transitive tags. AWS counts inherited tags among those of
# the request, so without these keys a portal in such a pod could not assume the role.
_KEYS_OF_PODS = ("eks-cluster-*", "kubernetes-*")


def trust_policy(principal_arn: str, external_id: str | None, tenant: str | None) -> Document:
    """Return a trust policy for the portal alone, of a tenant's role or, with None, of the master role.

    A session must have a source identity and, where *external_id* is given, that ExternalId. Its session tags
    must be the portal's, and in a tenant's role name this tenant.
    """
    # Each action has a statement of its own, because AWS defines different condition keys for them: the
    # ExternalId only for AssumeRole, and the source identity not for TagSession.
    assume: Document = {"StringLike": {"sts:SourceIdentity": "*"}}
    if external_id is not None:
        assume["StringEquals"] = {"sts:ExternalId": external_id}
    keys = [_OWN_KEYS, *(_KEYS_OF_PODS if ":role/" in principal_arn else ())]
    tags: Document = {"ForAllValues:StringLike": {"aws:TagKeys": keys}}
    if tenant is not None:
        tags["StringEquals"] = {f"aws:RequestTag/{TENANT_SESSION_TAG}": tenant}
    return document(
        _allow("Assume", principal_arn, _ASSUME) | {"Condition": assume},
        _allow("SourceIdentity", principal_arn, _SET_SOURCE_IDENTITY),
        _allow("Tags", principal_arn, _TAG) | {"Condition": tags},
        # A session tag takes precedence over the role's tag of the same key in any case of letters, so other
        # principals that the role trusts must not send it either.
        {
            "Sid": f"{_OWN_SIDS}TenantTag",
            "Effect": "Deny",
            "Principal": "*",
            "Action": _TAG,
            "Condition": {"ForAnyValue:StringEqualsIgnoreCase": {"aws:TagKeys": TENANT_TAG}},
        },
    )


def merge_trust(current: Mapping[str, Any], own: Document, principal_arn: str) -> Document:
    """Return *current* with the statements of *own* in place of those that Daypass wrote; idempotent.

    All other statements are kept unchanged and in order, behind those of *own*. The statement of earlier
    versions has no Sid, and is recognised by its content and the portal's *principal_arn*.
    """
    others = [
        statement
        for statement in as_list(current.get("Statement"))
        if not (_has_own_sid(statement) or _is_of_earlier_version(statement, principal_arn))
    ]
    if not others:
        return own
    # The version stays, because it decides the meaning of `${` in the other statements.
    return {**current, "Statement": [*as_list(own["Statement"]), *others]}


def _allow(sid: str, principal_arn: str, action: str) -> Statement:
    return {
        "Sid": f"{_OWN_SIDS}{sid}",
        "Effect": "Allow",
        "Principal": {"AWS": principal_arn},
        "Action": action,
    }


def _has_own_sid(statement: Mapping[str, Any]) -> bool:
    return str(statement.get("Sid", "")).startswith(_OWN_SIDS)


def _is_of_earlier_version(statement: Mapping[str, Any], principal_arn: str) -> bool:
    """Return whether *statement* is the only one that earlier versions wrote, with any ExternalId."""
    if statement.keys() != {"Effect", "Principal", "Action", "Condition"}:
        return False
    principal, condition = statement["Principal"], statement["Condition"]
    if not (isinstance(principal, Mapping) and isinstance(condition, Mapping)):
        return False
    external_id = condition.get("StringEquals", {"sts:ExternalId": ""})
    return (
        statement["Effect"] == "Allow"
        and principal.keys() == {"AWS"}
        and as_list(principal["AWS"]) == [principal_arn]
        and sorted(map(str, as_list(statement["Action"]))) == sorted(SESSION_ACTIONS)
        and condition.keys() <= {"StringLike", "StringEquals"}
        and condition.get("StringLike") == {"sts:SourceIdentity": "*"}
        and isinstance(external_id, Mapping)
        and external_id.keys() == {"sts:ExternalId"}
        and len(as_list(external_id["sts:ExternalId"])) == 1
    )
