"""STS as AWS implements it: AssumeRole with AWS's limits, order of checks and error messages."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from daypass.sandbox.assume_role import (
    SHORTEST,
    AssumeRoleRequest,
    MiniStackError,
    Refusal,
    check_duration,
    first_value,
    invalid,
    packed_size,
    read_request,
)
from daypass.sandbox.clock import SandboxClock
from daypass.sandbox.faults import Faults
from daypass.sandbox.ministack.server import Answer, Caller, Handler, MiniStack, Params

_SERVED = frozenset(
    {"AssumeRole", "GetCallerIdentity", "GetSessionToken", "GetFederationToken", "GetAccessKeyInfo"}
)
# AWS caps a chained role at one hour, whatever the role itself allows.
_LONGEST_CHAINED = timedelta(hours=1)


class SecurityTokens:
    """A handler for STS that implements AssumeRole; MiniStack serves the other enabled actions."""

    def __init__(self, ministack: MiniStack, clock: SandboxClock, faults: Faults) -> None:
        self._ministack = ministack
        self._clock = clock
        self._faults = faults

    def before(self, next_handler: Handler) -> Handler:
        """Return a handler that wraps MiniStack's and passes actions other than AssumeRole to it."""

        async def handle(
            method: str, path: str, headers: dict[str, str], body: bytes, query: Params
        ) -> Answer:
            try:
                params = _params(headers, body, query)
                if params["Action"][0] != "AssumeRole":
                    # 36 hours is AWS's limit for GetSessionToken and GetFederationToken; the other actions
                    # have no duration.
                    check_duration(params, SHORTEST, timedelta(hours=36))
                    return await next_handler(method, path, headers, body, query)
                return self._assume_role(self._ministack.caller(headers, query), params)
            except Refusal as refusal:
                return self._ministack.error("sts", refusal.status, refusal.code, refusal.message, headers)
            except MiniStackError as error:
                return error.answer

        return handle

    def _assume_role(self, caller: Caller, params: Params) -> Answer:
        request = read_request(self._ministack, params)
        role = self._permitted_role(caller, request)
        self._check_limits(caller, role, request)
        inherited = caller.session or {}
        transitive = _transitive_tags(inherited, request)
        now = self._clock.timestamp()
        name = f"{role['RoleName']}/{request.session_name}"
        key, session = self._ministack.open_session(
            {
                "Arn": f"arn:aws:sts::{caller.account_id}:assumed-role/{name}",
                "UserId": f"{role['RoleId']}:{request.session_name}",
                "AccountId": caller.account_id,
                "PrincipalType": "AssumedRole",
                "IssuedAt": now,
                "Expiration": now + request.validity.total_seconds(),
                "SourceAccessKeyId": caller.access_key_id,
                "SourcePrincipalArn": caller.arn,
                "SourceIdentity": request.source_identity or inherited.get("SourceIdentity"),
                "SessionTags": [{"Key": k, "Value": v} for k, v in (transitive | request.tags).items()],
                "TransitiveTags": transitive,
                "SessionPolicies": request.policies if any(request.policies.values()) else None,
                "Chained": caller.session is not None,
            }
        )
        return self._ministack.sts_answer("AssumeRole", _result(key, session, packed_size(request)))

    def _permitted_role(self, caller: Caller, request: AssumeRoleRequest) -> dict[str, Any]:
        """Return the role if *caller* may assume it like this. A missing role raises the same `Refusal`."""
        if caller.kind == "Root":
            raise Refusal(403, "AccessDenied", "Roles may not be assumed by root accounts.")
        role = self._ministack.role(request.role_arn)
        # AWS does not tell a missing role from one that may not be assumed.
        if role is None or self._is_invisible(role):
            raise _denied(caller, "sts:AssumeRole", request.role_arn)
        # AWS keeps the source identity of a role chain: a later role cannot change it, and must allow it too.
        session = caller.session or {}
        inherited = session.get("SourceIdentity")
        if inherited and request.source_identity not in (None, inherited):
            raise _denied(caller, "sts:SetSourceIdentity", request.role_arn)
        # Inherited tags are tags of the request: each later role must allow them too.
        tags = _inherited_tags(session) | request.tags
        context = _condition_keys(request, tags, inherited)
        actions = ["sts:AssumeRole"]
        if request.source_identity or inherited:
            actions.append("sts:SetSourceIdentity")
        if tags or request.transitive_tags:
            actions.append("sts:TagSession")
        for action in actions:
            if not self._ministack.trusts(role, caller, action, context):
                raise _denied(caller, action, request.role_arn)
        return role

    def _is_invisible(self, role: dict[str, Any]) -> bool:
        created = datetime.strptime(role["CreateDate"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        return self._clock.now() < created + self._faults.iam_lag

    def _check_limits(self, caller: Caller, role: dict[str, Any], request: AssumeRoleRequest) -> None:
        # The portal recognises both messages of AWS by their text (`portal/aws/errors.py`).
        if caller.session is not None and request.validity > _LONGEST_CHAINED:
            raise invalid(
                "The requested DurationSeconds exceeds the 1 hour session limit "
                "for roles assumed by role chaining."
            )
        if request.validity > timedelta(seconds=role["MaxSessionDuration"]):
            raise invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")


def _params(headers: dict[str, str], body: bytes, query: Params) -> Params:
    """Return the request's parameters; raises `Refusal` for a duplicate.

    MiniStack's policy check and its handlers could read different values of a duplicate parameter.
    """
    form = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    has_duplicate = form.keys() & query.keys() or any(len(values) > 1 for values in (form | query).values())
    if has_duplicate or "x-amz-target" in headers:
        raise Refusal(400, "MalformedInput", "Send each parameter once, in the query protocol.")
    params = form | query
    action = first_value(params, "Action")
    if action not in _SERVED:
        raise Refusal(400, "InvalidAction", f"Could not find operation {action} for version 2011-06-15")
    return params


def _condition_keys(
    request: AssumeRoleRequest, tags: dict[str, str], inherited_identity: str | None
) -> dict[str, Any]:
    keys: dict[str, Any] = {f"aws:requesttag/{name.lower()}": value for name, value in tags.items()}
    keys["aws:tagkeys"] = list(tags) or None
    keys["sts:transitivetagkeys"] = sorted(request.transitive_tags) or None
    keys["sts:rolesessionname"] = request.session_name
    keys["sts:externalid"] = request.external_id
    keys["sts:sourceidentity"] = request.source_identity or inherited_identity
    return keys


def _inherited_tags(session: dict[str, Any]) -> dict[str, str]:
    tags: dict[str, str] = session.get("TransitiveTags") or {}
    return tags


def _transitive_tags(session: dict[str, Any], request: AssumeRoleRequest) -> dict[str, str]:
    """Return the tags that every later session of this role chain inherits."""
    transitive = _inherited_tags(session)
    if {name.lower() for name in transitive} & {name.lower() for name in request.tags}:
        raise Refusal(
            400,
            "InvalidParameterValue",
            "One of the specified transitive tag keys can't be set because it conflicts with a transitive "
            "tag key from the calling session.",
        )
    unknown = request.transitive_tags - request.tags.keys()
    if unknown:
        raise Refusal(
            400,
            "InvalidParameterValue",
            "The specified transitive tag key must be included in the requested tags.",
        )
    return transitive | {name: request.tags[name] for name in request.transitive_tags}


def _result(access_key_id: str, session: dict[str, Any], packed_size: int | None) -> str:
    expiration = datetime.fromtimestamp(session["Expiration"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    # The values that are not escaped consist of characters without a meaning in XML.
    identity = session["SourceIdentity"]
    return (
        f"<AssumedRoleUser><AssumedRoleId>{session['UserId']}</AssumedRoleId>"
        f"<Arn>{session['Arn']}</Arn></AssumedRoleUser>"
        f"<Credentials><AccessKeyId>{access_key_id}</AccessKeyId>"
        f"<SecretAccessKey>{escape(session['SecretAccessKey'])}</SecretAccessKey>"
        f"<SessionToken>{escape(session['SessionToken'])}</SessionToken>"
        f"<Expiration>{expiration}</Expiration></Credentials>"
        + (f"<SourceIdentity>{identity}</SourceIdentity>" if identity else "")
        + (f"<PackedPolicySize>{packed_size}</PackedPolicySize>" if packed_size is not None else "")
    )


def _denied(caller: Caller, action: str, role_arn: str) -> Refusal:
    return Refusal(
        403,
        "AccessDenied",
        f"User: {caller.arn} is not authorized to perform: {action} on resource: {role_arn}",
    )
