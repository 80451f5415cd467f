"""AssumeRole as AWS does it: every limit, every refusal, in AWS's order and words."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from daypass.sandbox.clock import SandboxClock
from daypass.sandbox.faults import Faults
from daypass.sandbox.ministack import Answer, Caller, Handler, MiniStack, Params

_SERVED = frozenset(
    {"AssumeRole", "GetCallerIdentity", "GetSessionToken", "GetFederationToken", "GetAccessKeyInfo"}
)
_SHORTEST = timedelta(minutes=15)
_LONGEST = timedelta(hours=12)
_DEFAULT = timedelta(hours=1)
# AWS caps a chained role at one hour, whatever the role itself allows.
_LONGEST_CHAINED = timedelta(hours=1)
_NAME = re.compile(r"[\w+=,.@-]*", re.ASCII)
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]*", re.ASCII)
_ROLE_ARN = re.compile(r"arn:aws:iam::(\d{12}):role/([\w+=,.@/-]+)", re.ASCII)
_MOST_TAGS = 50


class Refusal(Exception):
    """AWS's no: status, code and words."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Ask:
    """A well-formed AssumeRole request; whether it is allowed is another matter."""

    role_arn: str
    session_name: str
    validity: timedelta
    source_identity: str | None
    external_id: str | None
    tags: dict[str, str]
    transitive_tags: frozenset[str]
    policies: dict[str, Any]


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
                    _check_duration(params, _SHORTEST, timedelta(hours=36))
                    return await ministacks(method, path, headers, body, query)
                return self._assume_role(self._ministack.caller(headers, query), params)
            except Refusal as no:
                return self._ministack.error("sts", no.status, no.code, no.message, headers)
            except MiniStackComplaint as complaint:
                return complaint.answer

        return handle

    def _assume_role(self, caller: Caller, params: Params) -> Answer:
        ask = self._read(params)
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

    def _read(self, params: Params) -> Ask:
        tags, complaint = self._ministack.session_tags(params)
        if complaint is not None:
            raise MiniStackComplaint(complaint)
        policies, complaint = self._ministack.session_policies(params)
        if complaint is not None:
            raise MiniStackComplaint(complaint)
        _check_tags(tags)
        role_arn = _one(params, "RoleArn")
        if role_arn is None or not _ROLE_ARN.fullmatch(role_arn):
            raise _invalid(f"{role_arn or ''} is invalid")
        session_name = _one(params, "RoleSessionName")
        if session_name is None:
            raise _violates(None, "roleSessionName", "Member must not be null")
        _check_text(session_name, "roleSessionName", _NAME, 64)
        source_identity = _one(params, "SourceIdentity")
        if source_identity is not None:
            _check_text(source_identity, "sourceIdentity", _NAME, 64)
        external_id = _one(params, "ExternalId")
        if external_id is not None:
            _check_text(external_id, "externalId", _EXTERNAL_ID, 1224)
        return Ask(
            role_arn=role_arn,
            session_name=session_name,
            validity=_check_duration(params, _SHORTEST, _LONGEST),
            source_identity=source_identity,
            external_id=external_id,
            tags={tag["Key"]: tag["Value"] for tag in tags},
            transitive_tags=frozenset(
                values[0] for name, values in params.items() if name.startswith("TransitiveTagKeys.member.")
            ),
            policies=policies,
        )

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
            raise _invalid(
                "The requested DurationSeconds exceeds the 1 hour session limit "
                "for roles assumed by role chaining."
            )
        if ask.validity > timedelta(seconds=role["MaxSessionDuration"]):
            raise _invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")


class MiniStackComplaint(Exception):
    """MiniStack's own check said no, in AWS's words already."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("MiniStack refused the request")
        self.answer = answer


def _params(headers: dict[str, str], body: bytes, query: Params) -> Params:
    """The request's parameters, each from one place only.

    MiniStack's policy check and its handlers would read a parameter that is given twice differently.
    """
    form = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    twice = form.keys() & query.keys() or any(len(values) > 1 for values in (form | query).values())
    if twice or "x-amz-target" in headers:
        raise Refusal(400, "MalformedInput", "Send each parameter once, in the query protocol.")
    params = form | query
    action = _one(params, "Action")
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


def _one(params: Params, name: str) -> str | None:
    return params[name][0] if name in params else None


def _check_duration(params: Params, shortest: timedelta, longest: timedelta) -> timedelta:
    text = _one(params, "DurationSeconds")
    if text is None:
        return _DEFAULT
    if not re.fullmatch(r"-?\d{1,9}", text):
        raise Refusal(400, "MalformedInput", f"DurationSeconds is not a number: {text}")
    asked = timedelta(seconds=int(text))
    if asked < shortest:
        limit = f"greater than or equal to {shortest.total_seconds():.0f}"
        raise _violates(text, "durationSeconds", f"Member must have value {limit}")
    if asked > longest:
        limit = f"less than or equal to {longest.total_seconds():.0f}"
        raise _violates(text, "durationSeconds", f"Member must have value {limit}")
    return asked


def _check_text(value: str, member: str, alphabet: re.Pattern[str], longest: int) -> None:
    if len(value) < 2:
        raise _violates(value, member, "Member must have length greater than or equal to 2")
    if len(value) > longest:
        raise _violates(value, member, f"Member must have length less than or equal to {longest}")
    if not alphabet.fullmatch(value):
        raise _violates(value, member, f"Member must satisfy regular expression pattern: {alphabet.pattern}")


def _check_tags(tags: list[dict[str, str]]) -> None:
    if len(tags) > _MOST_TAGS:
        raise _violates("tags", "tags", f"Member must have length less than or equal to {_MOST_TAGS}")
    for tag in tags:
        if len(tag["Key"]) > 128 or len(tag["Value"]) > 256:
            raise _violates(
                tag["Key"], "tags", "Member must have a key of at most 128 and a value of at most 256"
            )


def _violates(value: str | None, member: str, constraint: str) -> Refusal:
    shown = "null" if value is None else f"'{value}'"
    return _invalid(
        f"1 validation error detected: Value {shown} at '{member}' failed to satisfy constraint: {constraint}"
    )


def _invalid(message: str) -> Refusal:
    return Refusal(400, "ValidationError", message)


def _denied(caller: Caller, action: str, role_arn: str) -> Refusal:
    return Refusal(
        403,
        "AccessDenied",
        f"User: {caller.arn} is not authorized to perform: {action} on resource: {role_arn}",
    )
