"""AssumeRole as AWS does it: every limit, every refusal, in AWS's order and words."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from daypass.sandbox.assume_role import (
    SHORTEST,
    Ask,
    MiniStackError,
    Refusal,
    check_duration,
    invalid,
    one,
    read_ask,
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
    """STS: AssumeRole is ours; of the other actions MiniStack serves those that check who calls."""

    def __init__(self, ministack: MiniStack, clock: SandboxClock, faults: Faults) -> None:
        self._ministack = ministack
        self._clock = clock
        self._faults = faults

    def before(self, ministacks: Handler) -> Handler:
        """Our handler, which passes on to MiniStack's what MiniStack does right."""

        async def handle(
            method: str, path: str, headers: dict[str, str], body: bytes, query: Params
        ) -> Answer:
            try:
                params = _params(headers, body, query)
                if params["Action"][0] != "AssumeRole":
                    check_duration(params, SHORTEST, timedelta(hours=36))
                    return await ministacks(method, path, headers, body, query)
                return self._assume_role(self._ministack.caller(headers, query), params)
            except Refusal as no:
                return self._ministack.error("sts", no.status, no.code, no.message, headers)
            except MiniStackError as complaint:
                return complaint.answer

        return handle

    def _assume_role(self, caller: Caller, params: Params) -> Answer:
        ask = read_ask(self._ministack, params)
        role = self._permitted_role(caller, ask)
        self._check_limits(caller, role, ask)
        inherited = caller.session or {}
        transitive = _transitive(inherited, ask)
        now = self._clock.timestamp()
        key, session = self._ministack.open_session(
            {
                "Arn": f"arn:aws:sts::{caller.account_id}:assumed-role/{role['RoleName']}/{ask.session_name}",
                "UserId": f"{role['RoleId']}:{ask.session_name}",
                "AccountId": caller.account_id,
                "PrincipalType": "AssumedRole",
                "IssuedAt": now,
                "Expiration": now + ask.validity.total_seconds(),
                "SourceAccessKeyId": caller.access_key_id,
                "SourcePrincipalArn": caller.arn,
                "SourceIdentity": ask.source_identity or inherited.get("SourceIdentity"),
                "SessionTags": [{"Key": k, "Value": v} for k, v in (transitive | ask.tags).items()],
                "TransitiveTags": transitive,
                "SessionPolicies": ask.policies if any(ask.policies.values()) else None,
                "Chained": caller.session is not None,
            }
        )
        return self._ministack.sts_answer("AssumeRole", _result(key, session))

    def _permitted_role(self, caller: Caller, ask: Ask) -> dict[str, Any]:
        """The role, if *caller* may assume it in this way. A missing role gets the same refusal."""
        if caller.kind == "Root":
            raise Refusal(403, "AccessDenied", "Roles may not be assumed by root accounts.")
        role = self._ministack.role(ask.role_arn)
        if role is None or self._is_still_spreading(role):
            raise _denied(caller, "sts:AssumeRole", ask.role_arn)
        inherited = (caller.session or {}).get("SourceIdentity")
        if inherited and ask.source_identity not in (None, inherited):
            raise _denied(caller, "sts:SetSourceIdentity", ask.role_arn)
        context = _condition_keys(ask, inherited)
        actions = ["sts:AssumeRole"]
        if ask.source_identity or inherited:
            actions.append("sts:SetSourceIdentity")
        if ask.tags or ask.transitive_tags:
            actions.append("sts:TagSession")
        for action in actions:
            if not self._ministack.trusts(role, caller, action, context):
                raise _denied(caller, action, ask.role_arn)
        return role

    def _is_still_spreading(self, role: dict[str, Any]) -> bool:
        created = datetime.strptime(role["CreateDate"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        return self._clock.now() < created + self._faults.iam_lag

    def _check_limits(self, caller: Caller, role: dict[str, Any], ask: Ask) -> None:
        if caller.session is not None and ask.validity > _LONGEST_CHAINED:
            raise invalid(
                "The requested DurationSeconds exceeds the 1 hour session limit "
                "for roles assumed by role chaining."
            )
        if ask.validity > timedelta(seconds=role["MaxSessionDuration"]):
            raise invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")


def _params(headers: dict[str, str], body: bytes, query: Params) -> Params:
    """The request's parameters, each from one place only.

    MiniStack's policy check and its handlers would read a parameter that is given twice differently.
    """
    form = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    twice = form.keys() & query.keys() or any(len(values) > 1 for values in (form | query).values())
    if twice or "x-amz-target" in headers:
        raise Refusal(400, "MalformedInput", "Send each parameter once, in the query protocol.")
    params = form | query
    action = one(params, "Action")
    if action not in _SERVED:
        raise Refusal(400, "InvalidAction", f"Could not find operation {action} for version 2011-06-15")
    return params


def _condition_keys(ask: Ask, inherited_identity: str | None) -> dict[str, Any]:
    keys: dict[str, Any] = {f"aws:requesttag/{name.lower()}": value for name, value in ask.tags.items()}
    keys["aws:tagkeys"] = list(ask.tags) or None
    keys["sts:transitivetagkeys"] = sorted(ask.transitive_tags) or None
    keys["sts:rolesessionname"] = ask.session_name
    keys["sts:externalid"] = ask.external_id
    keys["sts:sourceidentity"] = ask.source_identity or inherited_identity
    return keys


def _transitive(inherited: dict[str, Any], ask: Ask) -> dict[str, str]:
    """The tags that every later session of this chain keeps."""
    kept: dict[str, str] = inherited.get("TransitiveTags") or {}
    if {name.lower() for name in kept} & {name.lower() for name in ask.tags}:
        raise Refusal(
            400,
            "InvalidParameterValue",
            "One of the specified transitive tag keys can't be set because it conflicts with a transitive "
            "tag key from the calling session.",
        )
    unknown = ask.transitive_tags - ask.tags.keys()
    if unknown:
        raise Refusal(
            400,
            "InvalidParameterValue",
            "The specified transitive tag key must be included in the requested tags.",
        )
    return kept | {name: ask.tags[name] for name in ask.transitive_tags}


def _result(access_key_id: str, session: dict[str, Any]) -> str:
    expiration = datetime.fromtimestamp(session["Expiration"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    identity = session["SourceIdentity"]
    return (
        f"<AssumedRoleUser><AssumedRoleId>{session['UserId']}</AssumedRoleId>"
        f"<Arn>{session['Arn']}</Arn></AssumedRoleUser>"
        f"<Credentials><AccessKeyId>{access_key_id}</AccessKeyId>"
        f"<SecretAccessKey>{escape(session['SecretAccessKey'])}</SecretAccessKey>"
        f"<SessionToken>{escape(session['SessionToken'])}</SessionToken>"
        f"<Expiration>{expiration}</Expiration></Credentials>"
        + (f"<SourceIdentity>{identity}</SourceIdentity>" if identity else "")
    )


def _denied(caller: Caller, action: str, role_arn: str) -> Refusal:
    return Refusal(
        403,
        "AccessDenied",
        f"User: {caller.arn} is not authorized to perform: {action} on resource: {role_arn}",
    )
