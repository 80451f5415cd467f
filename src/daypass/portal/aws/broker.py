"""The access broker on AWS: role sessions from STS and console sign-in URLs."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from daypass.common.counting import counted
from daypass.portal.access.broker import Deadline, SetRole
from daypass.portal.access.issuing_status import IssuingStatus
from daypass.portal.access.model import AssumeRoleParameters, Credentials
from daypass.portal.access.session_names import ISSUANCE_TAG
from daypass.portal.accounts.model import SET_ROLE_PREFIX, set_roles_obstacle
from daypass.portal.aws.console import Destinations, Federation
from daypass.portal.aws.credentials import PortalCredentials
from daypass.portal.aws.errors import SessionRefused, SessionTooLarge, invalid_response
from daypass.portal.aws.fence.levels import withheld_actions
from daypass.portal.aws.identity import PortalIdentity
from daypass.portal.aws.policies import read_only_limits, to_json
from daypass.portal.aws.set_role.judgement import find_generation_problem, find_problem
from daypass.portal.aws.set_role.reader import SetRoleReader
from daypass.portal.aws.transport.backoff import Timing
from daypass.portal.aws.transport.query import QueryService
from daypass.portal.errors import AwsError, AwsNotAllowed, AwsPolicyRefused, AwsTrustRefused
from daypass.portal.permission_sets.model import FULL, READ_ONLY
from daypass.portal.permission_sets.rendering import session_policies
from daypass.portal.secret import Secret
from daypass.portal.workloads.model import TAG_PREFIX

_KEYS = "AssumeRoleResponse/AssumeRoleResult/Credentials/"
_ASSUMED = "AssumeRoleResponse/AssumeRoleResult/AssumedRoleUser/Arn"
_MAXIMUM = "GetRoleResponse/GetRoleResult/Role/MaxSessionDuration"
_IAM_TIME = 2.0
# The form of an access key ID in STS's API reference.
_ACCESS_KEY_ID = re.compile(r"[A-Za-z0-9_]{16,128}")


@dataclass(frozen=True, slots=True)
class AwsBroker:
    """The implementation of `portal.access.broker` with STS, IAM and the federation endpoint."""

    identity: PortalIdentity
    partition: str
    credentials: PortalCredentials
    sts: QueryService
    iam: QueryService
    federation: Federation
    destinations: Destinations
    timing: Timing
    issuing: Callable[[], IssuingStatus]
    """Returns the state of the portal's own credentials, as of the latest calls."""
    role_prefix: str
    """The text that the names of tenants' roles begin with."""

    @property
    def is_chained(self) -> bool:
        """Whether the portal's own credentials are a role session; raises an `AwsError` while unknown."""
        # AWS's limit for role chaining applies to all credentials with a session token.
        return self.identity.get().is_session or self.credentials.frozen().token is not None

    def role_maximum(self, role_arn: str, deadline: Deadline) -> timedelta | None:
        """Return the role's maximum session duration, or None if it cannot be read within two seconds."""
        # GetRole takes a name, not an ARN: for a role of another account it would return one of the portal's
        # own account.
        if self.identity.failure is not None or f":iam::{self.identity.account_id()}:role/" not in role_arn:
            return None
        # IAM has one endpoint per partition and may be slow; issuing a session must not wait long for it.
        soon = min(deadline, self.timing.within(_IAM_TIME))
        request = {"Action": "GetRole", "Version": "2010-05-08", "RoleName": role_arn.rpartition("/")[2]}
        try:
            maximum = self.iam.call(request, soon, role_arn=role_arn).get(_MAXIMUM, "")
        except AwsError:
            return None
        return timedelta(seconds=int(maximum)) if re.fullmatch(r"[0-9]{1,6}", maximum) else None

    def find_set_role_problem(self, role: SetRole, deadline: Deadline) -> str:
        """Return why the role of a permission set may not be used, or "" if AWS shows that it may."""
        if obstacle := set_roles_obstacle(self.role_prefix):
            return obstacle
        portal = self.identity.get()
        # IAM takes a name, so it would answer about a role of the portal's own account.
        if not role.role_arn.startswith(f"arn:{self.partition}:iam::{portal.account_id}:role/"):
            raise AwsNotAllowed(
                f"The portal cannot check the role {role.role_arn}: its credentials are of the account "
                f"{portal.account_id}, and IAM shows an account's roles to identities of that account only. "
                "Choose a permission set without a role of its own for this tenant."
            )
        boundary_arn = SetRoleReader(self.iam, role.tenant_role_arn, deadline).boundary_arn()
        if problem := find_generation_problem(boundary_arn, role):
            return problem
        state = SetRoleReader(self.iam, role.role_arn, deadline).read()
        return find_problem(state, role, portal.arn)

    def assume(self, session: AssumeRoleParameters, *, attributed: bool, deadline: Deadline) -> Credentials:
        """Assume a role; without `attributed`, omit the source identity and the session tags."""
        request = _assume_role(session, self.partition)
        if attributed:
            request |= _attribution(session)
        try:
            answer = self.sts.call(request, deadline, role_arn=session.role_arn)
        except SessionTooLarge as refusal:
            raise _size_refusal(session, refusal) from refusal
        except (SessionRefused, AwsTrustRefused) as refusal:
            # These have no policies in the account that the refusal could be about.
            if session.permission_set.is_built_in or session.permission_set.has_own_role:
                raise
            raise _policy_refusal(session, refusal) from refusal
        # A confused response, for example from a proxy, must not give a user the keys of another session.
        if answer.get(_ASSUMED, "").lower() != _assumed_arn(session).lower():
            raise invalid_response()
        return _credentials(answer)

    def destination(self, region: str, typed: str | None) -> str:
        """Return the full URL of a console page; raises `InvalidRequest` if *typed* is not in the console."""
        return self.destinations.resolve(region, typed)

    def console_url(self, credentials: Credentials, destination: str, deadline: Deadline) -> Secret:
        """Return a sign-in URL that redirects to `destination`; it is valid for 15 minutes."""
        return self.federation.sign_in_url(credentials, destination, deadline)


def _assume_role(session: AssumeRoleParameters, partition: str) -> dict[str, str]:
    request = {
        "Action": "AssumeRole",
        "Version": "2011-06-15",
        "RoleArn": session.role_arn,
        "RoleSessionName": session.session_name,
        "DurationSeconds": str(session.duration // timedelta(seconds=1)),
    }
    if session.external_id is not None:
        request["ExternalId"] = session.external_id
    if session.policy is not None:
        # AWS unites session policies: a second one with an Allow would widen the session.
        if session.permission_set.name != FULL.name:
            raise ValueError("a session with a permission set takes no session policy of its own")
        request["Policy"] = session.policy
    return request | _narrowed(session, partition)


def _narrowed(session: AssumeRoleParameters, partition: str) -> dict[str, str]:
    """Return the parameters that reduce the session to its permission set."""
    if session.permission_set.name == FULL.name:
        return {}
    if session.permission_set.name == READ_ONLY.name:
        read_only = f"arn:{partition}:iam::aws:policy/ReadOnlyAccess"
        return {"Policy": _read_only_limits(), "PolicyArns.member.1.arn": read_only}
    if session.permission_set.has_own_role:
        _check_own_role(session)
        return {}
    account_id = session.role_arn.split(":", 5)[4]
    policies = session_policies(session.permission_set, partition, account_id)
    inline = {} if policies.inline is None else {"Policy": policies.inline}
    return inline | {
        f"PolicyArns.member.{position}.arn": arn for position, arn in enumerate(policies.arns, start=1)
    }


def _check_own_role(session: AssumeRoleParameters) -> None:
    """Raise `ValueError` unless the session is of the set's own role, whose policies reduce it."""
    # Any other role would give the session all of its permissions.
    name = session.role_arn.rpartition("/")[2]
    if not (name.startswith(SET_ROLE_PREFIX) and name.endswith(f".{session.permission_set.name}")):
        raise ValueError("a permission set with a role of its own has sessions of no other role")


@cache
def _read_only_limits() -> str:
    return to_json(read_only_limits(withheld_actions()))


def _policy_refusal(session: AssumeRoleParameters, refusal: SessionRefused | AwsTrustRefused) -> AwsError:
    """Return the error for a session with a custom set that AWS refused, with the remedy.

    A denial stays an `AwsTrustRefused`, because AWS has one code for it, whatever is missing.
    """
    permission_set = session.permission_set
    account_id = session.role_arn.split(":", 5)[4]
    named = ", ".join(policy.text for policy in permission_set.policies)
    exist = f"Each of these must exist in account {account_id}: {named}. " if named else ""
    remedy = f"{exist}An operator can create a missing policy, or an Administrator change the permission set."
    error: AwsError
    if isinstance(refusal, AwsTrustRefused):
        error = AwsTrustRefused(
            f"{refusal.reason} Or AWS refuses the policies of the permission set “{permission_set.name}”. "
            f"{remedy}"
        )
    else:
        error = AwsPolicyRefused(
            f"AWS refused the policies of the permission set “{permission_set.name}” for {session.role_arn}. "
            f"{remedy}"
        )
    error.cause = refusal.cause
    return error


def _size_refusal(session: AssumeRoleParameters, refusal: SessionTooLarge) -> AwsError:
    """Return the error for a session whose policies and tags AWS found too large, with the parts to shorten.

    AWS has one limit for both, and does not say which of them is to blame. The session is never requested
    again without its tags: they say who has it.
    """
    tags = {key: value for key, value in session.tags.items() if key.startswith(TAG_PREFIX)}
    permission_set, remedies = session.permission_set, []
    if tags:
        longest = max(tags, key=lambda key: len(tags[key]))
        remedies.append(
            f"The workload rule makes {counted(len(tags), 'session tag')} of "
            f"{counted(sum(map(len, tags.values())), 'character')}; the longest is {longest} with "
            f"{len(tags[longest])}. Remove session tags from the rule."
        )
    has_policies = not (permission_set.is_built_in or permission_set.has_own_role)
    if has_policies:
        remedies.append(f"Shorten the Denies of the permission set “{permission_set.name}”.")
    kind = AwsPolicyRefused if has_policies else SessionTooLarge
    error = kind(" ".join([refusal.reason, *remedies]))
    error.cause = refusal.cause
    return error


def _assumed_arn(session: AssumeRoleParameters) -> str:
    """Return the ARN of the session as AWS reports it: without the role's path; letter case may differ."""
    _, partition, _, _, account_id, role = session.role_arn.split(":", 5)
    return f"arn:{partition}:sts::{account_id}:assumed-role/{role.rpartition('/')[2]}/{session.session_name}"


def _attribution(session: AssumeRoleParameters) -> dict[str, str]:
    request = {"SourceIdentity": session.source_identity}
    if ISSUANCE_TAG in session.tags:
        # Sessions of other roles that the user assumes with these keys inherit the tag, so that a policy can
        # deny them together with this session.
        request["TransitiveTagKeys.member.1"] = ISSUANCE_TAG
    for position, (key, value) in enumerate(session.tags.items(), start=1):
        request[f"Tags.member.{position}.Key"] = key
        request[f"Tags.member.{position}.Value"] = value
    return request


def _credentials(answer: Mapping[str, str]) -> Credentials:
    try:
        expires_at = datetime.fromisoformat(answer[_KEYS + "Expiration"])
        credentials = Credentials(
            access_key_id=answer[_KEYS + "AccessKeyId"],
            secret_access_key=Secret(answer[_KEYS + "SecretAccessKey"]),
            session_token=Secret(answer[_KEYS + "SessionToken"]),
            expires_at=expires_at,
        )
    except (KeyError, ValueError) as error:
        raise invalid_response() from error
    # A time without a zone cannot be compared with the portal's clock.
    if expires_at.tzinfo is None or not _ACCESS_KEY_ID.fullmatch(credentials.access_key_id):
        raise invalid_response()
    return credentials
