"""The reference page of the audit actions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from daypass.portal.audit.event import Outcome
from tests.reference.markdown import table, wrap, wrapped

_HEAD = """\
<!-- Written by scripts/reference from tests/reference/audit_actions.py, where changes are made. -->

# Audit actions

The audit log has an event for each action of this page. Administrators search the events under **Audit**,
programs at `GET /api/v1/audit`, and operators with [`daypass portal audit
export`](cli.md#daypass-portal-audit-export). [The audit log](../guides/audit-record.md) explains what it
proves. Text that looks like a secret is masked before an event is written, and a text has at most 1,000
characters.
"""

_FIELDS: Mapping[str, str] = {
    "`id`": "the id of the event",
    "`at`": "the time, in UTC",
    "`action`": "the action, one of this page",
    "`actor`, `actor_id`": "the username and id of the author; `operator` without an id for commands on the "
    "portal's host, `daypass` for the portal's own work, `somebody` for a sign-in that failed",
    "`subject`": "the object of the action; what it is depends on the action",
    "`tenant_id`": "the tenant that the action is about, if any",
    "`outcome`": "the [outcome](#outcomes)",
    "`detail`": "more facts, whose names depend on the action",
    "`request_id`": "the id of the HTTP request, as in the header `X-Request-Id` and in the portal's log; "
    "empty without one",
    "`hash`": "the hash over this event and the one before it",
}

_DETAILS = """\
Several details mean the same everywhere: `address` is the client's network address; `door` is the channel,
which is `web`, `api` or `legacy`; `token_id` is the id of the token or sign-in that was used or is
concerned; `code` is the [error code](errors.md) of a refusal; `admin` says whether admin access was asked
for. Details that begin with `old.` and `new.` are values before and after a change.
"""

_OUTCOMES: Mapping[Outcome, str] = {
    Outcome.DONE: "The action took effect.",
    Outcome.DENIED: "The portal refused it. An attempt to get AWS access has this outcome if it ended before "
    "its intent.",
    Outcome.FAILED: "It was tried and failed, such as a sign-in with a wrong password. Nothing was released.",
    Outcome.ALERT: "It was unusual, and was not refused.",
    Outcome.REQUESTED: "The intent, recorded before AWS is called.",
    Outcome.ISSUED: "AWS credentials were released.",
    Outcome.UNKNOWN: "No outcome was recorded in time, because the process ended or was suspended. Nothing "
    "was released.",
}


@dataclass(frozen=True, slots=True)
class Documented:
    """An action as the page describes it."""

    name: str
    meaning: str
    outcomes: tuple[Outcome, ...]
    subject: str
    detail: str


def _change(name: str, meaning: str, subject: str, values: str) -> Documented:
    """Return an administrative change, which is done, or refused with a code."""
    detail = f"{values}; " if values else ""
    return Documented(
        name,
        meaning,
        (Outcome.DONE, Outcome.DENIED),
        subject,
        f"{detail}`code` if denied; `door`, `address`, `token_id` unless the author is an operator",
    )


_USER, _DEVICE, _ROLE = "the username", "the name of the device", "the ARN of the role"
_OAUTH = "`oauth_request_id`, `client_id`, `device`, `address`, `admin`"
_PASSKEY = "`passkey` with the credential id, `name`, `device_type`, `aaguid`"
_FAMILY = "`token_id` of the sign-in, `address`"
_USER_VALUES = "`old.role`, `old.disabled_at`, `new.role`, `new.disabled_at`"
_RULE_VALUES = (
    "`kind`, `issuer`, `audience`, `claims`, `service_account`, `tenants`, `token_lifetime` and "
    "`session_limit` "
    "in seconds, `session_tags`, `disabled`, and `keys`, a digest"
)
_SET_VALUES = "`description`, `rank`, `policies`, `denies` as JSON, `own_role`"
_GROUP_VALUES = "`name`, `source`, `provider`, `value`, `description`, `makes_administrators`"
_GROUP_MEMBERSHIP_VALUES = "`tenant`, `access`, `permission_set`, `ends_at`"
_TENANT_VALUES = "`region`, `role_arn`, `external_id`"

SECTIONS: Mapping[str, Sequence[Documented]] = {
    "AWS access": [
        Documented(
            "session.issue",
            "A user or program asks for AWS keys or a console link. The intent and the outcome are two "
            "events.",
            (Outcome.REQUESTED, Outcome.ISSUED, Outcome.DENIED, Outcome.FAILED, Outcome.UNKNOWN),
            "the id of the issuance",
            "`scope`, `role_arn`; except if unknown `purpose`, `door`, `address`, `token_id`, `reason`, and "
            "`group` and `group_id` if a group's membership allows it; if "
            "requested or issued `access`, `permission_set`, "
            "`validity` in seconds and `decided_by`, the limit that decided it; for a workload "
            "`workload_rule`, the name of the rule, `limited_by_rule` if its limit decided, and "
            "`tag.NAME` for each session tag; if issued "
            "`access_key_id`, "
            "`session_name`, `expires_at`, `is_attributed`, `has_console_url`; if denied, failed or "
            "unknown `code`; if "
            "unknown `username` and `requested_at`",
        ),
        Documented(
            "inventory",
            "The portal assumes a tenant's role, limited to searching, to list the tenant's resources.",
            (Outcome.REQUESTED,),
            "the tenant's name",
            "`role_arn`, `region`, `door`, `address`, `token_id`, and the session tags of AWS",
        ),
    ],
    "Sign-in on the pages": [
        Documented(
            "sign_in",
            "A user signs in. Failed: the password or the passkey is wrong. Denied: the account cannot sign "
            "in, the account at the identity provider gives no access, or a limit is used up.",
            (Outcome.DONE, Outcome.FAILED, Outcome.DENIED),
            "the username, if it exists and the sign-in failed",
            "`address`; if done `token_id` and `known_browser`; with an identity provider or a passkey "
            "`provider` and `method`; if a passkey is refused `cause`; if the account at the identity "
            "provider gives no access `provider`, `external_subject`, `code` and `reason`; "
            "at the first refusal by a limit `budget`, or `code` and `limit`",
        ),
        Documented(
            "external_identity.link",
            "An account at an identity provider is linked to a user, who can sign in with it from then on.",
            (Outcome.DONE, Outcome.DENIED),
            _USER,
            "`provider`, `issuer`, `external_subject`; `rule`, which is `email` for a verified address, "
            "`first_sign_in` for a new user, `scim` for a user whom the provider made, or `user`; if an "
            "Administrator did it, the first three with the "
            "prefix `new.`, and with `door`, `address` and `token_id`; `code` if denied, and `reason` if the "
            "user did it",
        ),
        Documented(
            "external_identity.unlink",
            "An account at an identity provider is unlinked from its user. Sessions that began with it end.",
            (Outcome.DONE, Outcome.DENIED),
            _USER,
            "`provider`, `issuer`, `external_subject`; if an Administrator did it with the prefix `old.`, "
            "and with `door`, `address` and `token_id`; `code` if denied",
        ),
        Documented(
            "sign_out.provider",
            "An identity provider ends a session, or all sign-ins of an account's user; or a session ends "
            "because its provider is not configured any more.",
            (Outcome.DONE,),
            "the username, if the session or account is known",
            "`provider`, `address`; `sid` of the session, or `external_subject` of the account. Without "
            "configuration: `provider`, `token_id`, and `reason` `not_configured`",
        ),
        Documented(
            "sign_in.confirm",
            "A signed-in user proves their identity again, before a change that needs reauthentication.",
            (Outcome.DONE, Outcome.FAILED, Outcome.DENIED),
            "the username, if it failed",
            "as for `sign_in`, without `known_browser`",
        ),
        Documented(
            "sign_in.first_factor",
            "A password was right, and the user is asked for a passkey; there is no session yet.",
            (Outcome.DONE,),
            "empty",
            "`address`, `method`, and `asks_for`: `second_factor`, or `enrol` or `recover` for a new passkey",
        ),
        Documented(
            "break_glass.use",
            "A password was entered for the break-glass account. Wrong ones are recorded up to a limit.",
            (Outcome.ALERT,),
            _USER,
            "`of`, the action of the sign-in; `result`, which is `ok` or an error code; `address`",
        ),
        Documented(
            "break_glass.set_up",
            "The operator creates the break-glass account, or replaces it or its password.",
            (Outcome.DONE,),
            _USER,
            "`result`: `created`, `password_changed`, or `replaced` with the former account as `replaces`",
        ),
        Documented("sign_out", "A user signs out.", (Outcome.DONE,), _USER, "`token_id` of the sign-in"),
        Documented(
            "passkey.add",
            "A user registers a passkey. Alert: with a recovery link. Failed: the browser's answer is wrong. "
            "Denied: a limit is used up.",
            (Outcome.DONE, Outcome.ALERT, Outcome.FAILED, Outcome.DENIED),
            _USER,
            f"if done or alerted {_PASSKEY} and `purpose`; `replaces_others` if the others were removed; if "
            "failed `cause`; if denied `code` and `limit`",
        ),
        Documented(
            "passkey.rename",
            "A user renames one of their passkeys.",
            (Outcome.DONE,),
            _USER,
            f"{_PASSKEY}, `new_name`",
        ),
        Documented(
            "passkey.remove", "A user removes one of their passkeys.", (Outcome.DONE,), _USER, _PASSKEY
        ),
        Documented(
            "user.recovery_link",
            "An Administrator makes a link with which a user registers a new passkey after the password.",
            (Outcome.ALERT, Outcome.DENIED),
            _USER,
            "`new.expires_at`, `door`, `address`, `token_id`; `code` if denied",
        ),
        Documented(
            "passkey.cloned",
            "The signature counter of a passkey did not grow, so there may be two copies of it. The answer "
            "was refused.",
            (Outcome.ALERT,),
            _USER,
            "`address`, `during`, `stored_count`, `presented_count`",
        ),
    ],
    "Sign-in of the command line": [
        Documented(
            "oauth.request",
            "A user opens the page of an authorization request. Denied: the rate limit is exceeded.",
            (Outcome.DONE, Outcome.DENIED),
            _DEVICE,
            f"{_OAUTH}; `code` and `limit` if denied",
        ),
        Documented("oauth.approve", "The user authorizes the device.", (Outcome.DONE,), _DEVICE, _OAUTH),
        Documented("oauth.deny", "The user refuses the request.", (Outcome.DENIED,), _DEVICE, _OAUTH),
        Documented(
            "oauth.redeem",
            "The device exchanges the code for tokens. Failed: the code verifier or another parameter did "
            "not match.",
            (Outcome.DONE, Outcome.FAILED),
            _DEVICE,
            _FAMILY,
        ),
        Documented(
            "oauth.refresh",
            "The device renews its tokens. Denied: the rate limit is exceeded.",
            (Outcome.DONE, Outcome.DENIED),
            _DEVICE,
            f"{_FAMILY}; `code` and `limit` if denied",
        ),
        Documented(
            "oauth.replay",
            "A code was used a second time. Its sign-in is revoked, because one of the two users may be a "
            "thief.",
            (Outcome.DENIED,),
            _USER,
            _FAMILY,
        ),
        Documented(
            "oauth.reuse",
            "A refresh token was used a second time. Its sign-in is revoked, for the same reason.",
            (Outcome.DENIED,),
            _USER,
            _FAMILY,
        ),
        Documented("oauth.revoke", "The device signs out.", (Outcome.DONE,), _USER, _FAMILY),
        Documented(
            "local_access.cancel",
            "The user refuses the request of a legacy client. A consent is recorded as `token.create`.",
            (Outcome.DENIED,),
            "the name of the application",
            "`admin`, `address`",
        ),
    ],
    "Workloads": [
        _change(
            "workload_rule.put",
            "A workload rule is created, changed, disabled or enabled; its tokens end.",
            "the name of the rule",
            f"with `old.` and `new.`: {_RULE_VALUES}",
        ),
        _change(
            "workload_rule.remove",
            "A workload rule is deleted; its tokens end.",
            "the name of the rule",
            f"with `old.`: {_RULE_VALUES}",
        ),
        Documented(
            "workload.exchange",
            "A workload exchanges the ID token of its issuer for a portal token. Denied: the token is not "
            "accepted, or the rate limit is exceeded. `code` is the reason, which the workload is not told: "
            "`unknown_issuer`, `issuer_not_allowed`, `unknown_audience`, `rule_disabled`, `rule_changed`, "
            "`claim`, `no_rule`, `ambiguous`, `forbidden_claim`, `used`, `account_disabled`, "
            "`administrator`, `no_service_account`, or what is wrong with the token itself, such as "
            "`signature`, `audience`, `expired` or `too_old`.",
            (Outcome.DONE, Outcome.DENIED),
            "the name of the rule, if one was chosen",
            "`address`, `issuer`, `sub`; if done `token_id`, `expires_at` and `tag.NAME` for each session "
            "tag; "
            "if denied `code`, and for some codes `claim`, `value`, `rules`, `asked_for` or `limit`",
        ),
    ],
    "Tokens": [
        Documented(
            "token.create",
            "An API token is created. Denied: the author may not create it, or the rate limit is exceeded.",
            (Outcome.DONE, Outcome.DENIED),
            _USER,
            "`token_id`, `kind`, `name`; `reauthentication_exempt` if it is; `admin` and `address` for a "
            "token that "
            "is handed to an application; `code` if denied, with `limit` or with `door`, `address`, "
            "`token_id`",
        ),
        Documented(
            "token.revoke",
            "An API token or a sign-in is revoked, by its owner or an Administrator.",
            (Outcome.DONE, Outcome.DENIED),
            _USER,
            "`token_id` if by the owner; `old.token_id`, `old.kind`, `old.name`, `door`, `address` and the "
            "author's "
            "`token_id` if by an Administrator; `code` if denied",
        ),
        Documented(
            "token.first_use",
            "A token that was handed to an application is used for the first time.",
            (Outcome.DONE,),
            _USER,
            "`token_id`, `address`",
        ),
        Documented(
            "token.network_changed",
            "A token that was handed to an application is used from another network than before.",
            (Outcome.ALERT,),
            _USER,
            "`token_id`, `from`, `to`",
        ),
    ],
    "Users and memberships": [
        _change(
            "user.create",
            "A user or service account is created.",
            _USER,
            "`new.role`, or `role` in an operator's command; `provider` if a first sign-in or SCIM "
            "created it; by SCIM `external_id`, `address` and `token_id` too",
        ),
        _change(
            "user.update", "A user's role changes, or the user is disabled or enabled.", _USER, _USER_VALUES
        ),
        _change(
            "user.set_password",
            "An Administrator sets a user's password, which ends the user's sign-ins.",
            _USER,
            "`old.has_password`, `new.has_password`",
        ),
        _change("user.delete", "A user is deleted.", _USER, "`old.role`, `old.disabled_at`"),
        Documented(
            "user.import",
            "An import is refused as a whole. Each line that is imported is recorded as `user.create`, "
            "`user.update` or `membership.put`.",
            (Outcome.DENIED,),
            "the number of lines",
            "`code`, `door`, `address`, `token_id`",
        ),
        _change(
            "membership.put",
            "A user becomes a member of a tenant, or a member's access changes.",
            _USER,
            "with `old.` and `new.`: `tenant`, `access`, `permission_set`",
        ),
        _change(
            "membership.remove",
            "A member is removed from a tenant: by an Administrator, or with the actor `daypass` because an "
            "identity provider deactivates the user by SCIM.",
            _USER,
            "`old.tenant`, `old.permission_set`; by an Administrator also `old.access`; by SCIM also "
            "`provider`, `address`, `token_id`",
        ),
    ],
    "Provisioning by SCIM": [
        Documented(
            "scim_token.create",
            "The operator or an Administrator makes a token by which an identity provider provisions users. "
            "Of more than two valid ones of the operator, the oldest are revoked.",
            (Outcome.DONE, Outcome.DENIED),
            "the name of the provider",
            "by the operator: `token_id`, `revokes_others`; by an Administrator: `new.token_id`, and "
            "`door`, `address`, `token_id`; `code` if denied",
        ),
        Documented(
            "scim_token.revoke",
            "An Administrator revokes such a token.",
            (Outcome.DONE, Outcome.DENIED),
            "the name of the provider",
            "`old.token_id`, and `door`, `address`, `token_id`; `code` if denied",
        ),
        Documented(
            "scim_user.update",
            "An identity provider changes a user that it made.",
            (Outcome.DONE, Outcome.DENIED),
            _USER,
            "`old.username`, `new.username`, `old.external_id`, `new.external_id`, `provider`, `address`, "
            "`token_id`; if denied `code` and `reason` instead of the values",
        ),
        Documented(
            "scim_user.deactivate",
            "An identity provider deactivates a user that it made: the user is disabled, and all sign-ins, "
            "tokens, pending requests and memberships end, and an assigned role. Each membership and the "
            "role are recorded too. Alert: the user is the last Administrator, and stays as they are.",
            (Outcome.DONE, Outcome.ALERT),
            _USER,
            "`provider`, `address`, `token_id`; if alert `code` and `reason`",
        ),
        Documented(
            "scim_user.reactivate",
            "An identity provider enables a user that it deactivated. Nothing that ended comes back.",
            (Outcome.DONE,),
            _USER,
            "`provider`, `address`, `token_id`",
        ),
        Documented(
            "scim_user.delete",
            "An identity provider deletes a user that it made, who is disabled for good and renamed, so that "
            "the name is free. Alert: the user is the last Administrator, and stays as they are.",
            (Outcome.DONE, Outcome.ALERT),
            "the username until then",
            "`provider`, `address`, `token_id`; if alert `code` and `reason`",
        ),
        Documented(
            "scim_group.create",
            "An identity provider creates a group, which gives nothing until an Administrator decides so.",
            (Outcome.DONE, Outcome.DENIED),
            "the group's name",
            "`external_id`, `provider`, `address`, `token_id`; if denied `code` and `reason`",
        ),
        Documented(
            "scim_group.update",
            "An identity provider renames a group that it made, or changes its `externalId`. Denied: another "
            "group has the name or `externalId`, or a new member is no user of the provider.",
            (Outcome.DONE, Outcome.DENIED),
            "the group's name until then",
            "`old.name`, `new.name`, `old.external_id`, `new.external_id`, `provider`, `address`, "
            "`token_id`; if denied `code` and `reason` instead of the values",
        ),
        Documented(
            "scim_group.delete",
            "An identity provider deletes a group that it made, with the memberships that the group gives. "
            "The members are recorded as removed.",
            (Outcome.DONE,),
            "the group's name",
            "`external_id`, `provider`, `address`, `token_id`",
        ),
    ],
    "Groups": [
        _change("group.create", "A group is created.", "the group's name", f"with `new.`: {_GROUP_VALUES}"),
        _change(
            "group.update",
            "A group is renamed or described, or begins or stops to make Administrators.",
            "the group's id",
            f"with `old.` and `new.`: {_GROUP_VALUES}",
        ),
        _change(
            "group.delete",
            "A group is deleted, with the memberships that it gives.",
            "the group's id",
            f"with `old.`: {_GROUP_VALUES}",
        ),
        _change(
            "group_member.add",
            "A user becomes a member of a group: by an Administrator, or with the actor `daypass` by the "
            "claim of a sign-in or by SCIM.",
            "the group's name",
            "`new.user`; by a claim or SCIM `user`, `source`, `provider`; by SCIM also `address`, `token_id`",
        ),
        _change(
            "group_member.remove",
            "A user stops being a member of a group, in the same ways, or because the claim counts no "
            "longer: its provider is not configured any more, or the last sign-in there is 30 days old.",
            "the group's name",
            "`old.user`; by a claim or SCIM `user`, `source`, `provider`; by SCIM also `address`, `token_id`",
        ),
        _change(
            "group_membership.put",
            "A group gives its members access to a tenant, or another permission set or end.",
            "the group's name",
            f"with `old.` and `new.`: {_GROUP_MEMBERSHIP_VALUES}",
        ),
        _change(
            "group_membership.remove",
            "A group stops giving its members access to a tenant.",
            "the group's name",
            f"with `old.`: {_GROUP_MEMBERSHIP_VALUES}",
        ),
        Documented(
            "group.synchronise",
            "The groups of a sign-in, or a change by SCIM, cannot be taken over, so the sign-in or the "
            "change is refused. Denied: the claim does not say the groups. Alert: a user would lose the role "
            "Administrator while no Administrator with an assigned role and a password exists.",
            (Outcome.DENIED, Outcome.ALERT),
            "the username, or by SCIM the group's name",
            "`provider`, `code`, `reason`; by SCIM also `address`, `token_id`",
        ),
    ],
    "Permission sets": [
        _change(
            "permission_set.put",
            "A permission set is created or replaced.",
            "the set's name",
            f"with `old.` and `new.`: {_SET_VALUES}",
        ),
        _change(
            "permission_set.remove",
            "A permission set is deleted.",
            "the set's name",
            f"with `old.`: {_SET_VALUES}",
        ),
    ],
    "Tenants and their roles": [
        _change(
            "tenant.create", "A tenant is created.", "the tenant's name", f"with `new.`: {_TENANT_VALUES}"
        ),
        _change(
            "tenant.update",
            "A tenant's region or role changes.",
            "the tenant's name",
            f"with `old.` and `new.`: {_TENANT_VALUES}",
        ),
        _change(
            "tenant.delete", "A tenant is deleted.", "the tenant's name", f"with `old.`: {_TENANT_VALUES}"
        ),
        _change(
            "metadata.put",
            "An entry of a tenant's metadata is written.",
            "the key",
            "`old.kind`, `old.value`, `new.kind`, `new.value`",
        ),
        _change(
            "metadata.remove",
            "An entry of a tenant's metadata is removed.",
            "the key",
            "`old.kind`, `old.value`",
        ),
        Documented(
            "role.empty",
            "The rights of a deleted tenant's role are removed in AWS. Failed: the role keeps them.",
            (Outcome.DONE, Outcome.FAILED),
            _ROLE,
            "`reason` if failed",
        ),
        Documented(
            "role.restore",
            "A tenant's role gets its rights back in AWS, after a deletion that had no effect.",
            (Outcome.DONE, Outcome.FAILED),
            _ROLE,
            "`reason` if failed",
        ),
        Documented(
            "role.set_maximum",
            "The maximum session duration of a role is changed in AWS, to follow the settings.",
            (Outcome.DONE, Outcome.FAILED),
            _ROLE,
            "`wanted`, `old.maximum` if it was read, `new.maximum`, all in seconds; `code` if failed",
        ),
        Documented(
            "role.set_services",
            "The services that a role is limited to are changed in AWS, to follow the tenant's setting.",
            (Outcome.DONE, Outcome.FAILED),
            _ROLE,
            "`wanted`, the names separated by commas, empty if there is no limit; `code` if failed",
        ),
    ],
    "Settings": [
        _change("setting.put", "A setting is written.", "the setting's name", "`old.value`, `new.value`"),
        _change(
            "setting.remove",
            "A setting is removed; its default applies.",
            "the setting's name",
            "`old.value`",
        ),
    ],
    "Administration and the audit log": [
        Documented(
            "administration.enter",
            "A caller who may not administer the portal asks for a page or an API of Administrators.",
            (Outcome.DENIED,),
            "the path",
            "`code`, `method`, `door`, `address`, `token_id`",
        ),
        Documented(
            "audit.export",
            "An Administrator downloads events from the page.",
            (Outcome.DONE,),
            "`audit`",
            "`format`, and the terms of the search",
        ),
        Documented(
            "audit.suppressed",
            "Refusals or alerts of one actor with the same action and code were so many in a minute that "
            "the rest "
            "was only counted.",
            (Outcome.DENIED, Outcome.ALERT),
            "the action",
            "`code`, `count`, `since`, `until`",
        ),
        Documented(
            "chain.opened",
            "A process of the portal starts to write, in a chain of its own.",
            (Outcome.DONE,),
            "the id of the chain",
            "the ids of the other chains, each with the position and hash of its last event",
        ),
    ],
}


def audit_actions_page() -> str:
    """Return the page of all audit actions, in Markdown."""
    outcomes = [(f"`{outcome.value}`", meaning) for outcome, meaning in _OUTCOMES.items()]
    parts = [
        wrapped(_HEAD),
        "## The fields of an event",
        table(("field", "content"), list(_FIELDS.items())),
        wrapped(_DETAILS),
        "## Outcomes",
        table(("outcome", "meaning"), outcomes),
    ]
    for title, actions in SECTIONS.items():
        parts.append(f"## {title}")
        for action in actions:
            parts += _section(action)
    return "\n\n".join(parts) + "\n"


def _section(action: Documented) -> Iterator[str]:
    yield f"### {action.name}"
    yield wrap(action.meaning)
    outcomes = ", ".join(f"`{outcome.value}`" for outcome in action.outcomes)
    yield wrapped(f"- Outcome: {outcomes}\n- Subject: {action.subject}\n- Detail: {action.detail}")
