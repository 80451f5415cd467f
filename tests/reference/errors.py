"""The reference page of the error codes."""

from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from importlib import import_module

from daypass.cli.api.errors import _refusal_class
from daypass.portal.errors import PortalError
from daypass.portal.http.core.problems import STATUSES, status_of
from tests.reference.markdown import table, wrapped

_HEAD = """\
<!-- Written by scripts/reference from src/daypass/portal/errors.py and tests/reference/errors.py. -->

# Error codes

Each error of the portal has a code that does not change, for programs and for searching logs, and a sentence
for the user that says what happened and what to do. The channels differ in the format of the answer:

- **The API** answers with problem details (RFC 9457), of the type `application/problem+json`: the sentence is
in `detail`, the code in `code`.
- **The pages** show the sentence, or lead to the sign-in; scripts get the same answer as from the API.
- **The legacy API** answers `{"Message": "…"}` with the sentence, because its clients display that field.
- **The OAuth endpoints** answer with `error`, `error_description` and `request_id` (RFC 6749), and with the
status 400 where other channels have 422. The values of `error` are [listed below](#oauth-errors).
- **The command line** prints the sentence and ends with an [exit code](cli.md#exit-codes).

Every answer has the header `X-Request-Id`. The portal's log has a line with this id and the code, and with
the cause if that is for the operator only. An answer with status 503 has the header `Retry-After`; nothing
was released.
"""

_SECTIONS: Mapping[str, Mapping[str, str]] = {
    "Sign-in and tokens": {
        "unauthenticated": (
            "Sign in, or send a valid API token. A token of a deleted or disabled user is not valid."
        ),
        "sign_in_again": "Sign in again.",
        "sign_in_failed": (
            "Check username and password. An Administrator can set a new password. After a sign-in at an "
            "identity provider, the word in parentheses says which check the provider's answer failed: start "
            "again, and send the word to the operator if it fails again."
        ),
        "last_sign_in_method": "Link another account to the user first, or disable the user.",
        "provider_refused": (
            "Start the sign-in again. If the identity provider refuses again, the operator can look up its "
            "error code, which the sentence has: `access_denied` often means that the application is not "
            "assigned to you there, `invalid_client` that the portal's client secret is wrong."
        ),
        "provider_unavailable": (
            "Try again in a few minutes. The portal's log says for the operator what failed: the connection, "
            "a certificate, or the provider's configuration."
        ),
        "account_refused": (
            "The account at the identity provider gives no access: it is linked to no user, its e-mail "
            "address is not accepted, or its username is taken. An Administrator can link it to a user."
        ),
        "logout_replayed": "None for users. An identity provider sent a logout token twice.",
        "groups_claim": (
            "Ask an Administrator: the provider must send the groups in the configured claim, as a list of "
            "at most 500 texts. [Groups](../guides/groups.md) says how."
        ),
        "too_many_guesses": "Wait 15 minutes, or use a browser in which you signed in before.",
        "rate_limited": "Wait up to 15 minutes, and send fewer requests.",
        "fresh_sign_in_needed": (
            "Confirm your identity on the page, or run `daypass login --admin` again. The header "
            "`WWW-Authenticate` has the challenge of RFC 9470, with `max_age` in seconds."
        ),
        "insufficient_user_authentication": (
            "Confirm your identity on the page, or run `daypass login --reauthenticate`. The tenant limits "
            "the age of the authentication. [Recent authentication](../guides/recent-authentication.md) says "
            "what each kind of caller does."
        ),
        "request_over": "Start the sign-in again from the application or the command line.",
        "too_soon": "Read the request, then press the button again.",
        "scim_refused": "For identity providers: the value of `scimType` says what to correct.",
        "oauth_refused": "For applications: the value of `error` says what to correct.",
        "issuer_unreachable": (
            "Request a new ID token, and try again. For the operator: the log line says what failed."
        ),
    },
    "Access": {
        "access_denied": "Ask an Administrator for access.",
        "insufficient_scope": (
            "Sign in with a scope that includes the request, such as `daypass login --admin`."
        ),
        "jit_disabled": (
            "Ask an Administrator; the [settings](settings.md) have a flag for each kind of access."
        ),
        "forged_request": "Reload the page and send the form again.",
    },
    "Requests": {
        "invalid_request": "Correct the value that the sentence names.",
        "invalid_duration": "Request a duration from 15 minutes to 12 hours.",
        "version_needed": (
            "Read the resource, and send its `ETag` as `If-Match`; to create one, send `If-None-Match: *`."
        ),
        "changed": "Read the resource again, and repeat the change with its new `ETag`.",
        "already_there": "Choose another name, or change the object that exists.",
        "permission_set_in_use": "Give its members another permission set, then delete it.",
        "has_permission_set": (
            "Change the membership on the pages or by the API, or remove it first: the legacy API knows only "
            "full and read-only access."
        ),
        "break_glass_account": "Use another account; the operator changes this one with "
        "`daypass portal create-break-glass USERNAME --replace`.",
        "group_read_only": "Change the members in the identity provider, or use a local group.",
        "scim_token_limit": "Revoke the token that the provider does not use any more.",
        "last_administrator": "Make another user an Administrator first.",
        "method_not_allowed": "Use a method of the header `Allow`.",
    },
    "Missing objects": {
        "not_found": "Check the address.",
        "tenant_not_found": "Check the name. Ask an Administrator for membership if the tenant exists.",
        "resource_not_found": "Check the ARN, and choose the tenant that owns the resource.",
        "user_not_found": "Check the username or id.",
        "membership_not_found": "Nothing to remove; add the user to the tenant to create a membership.",
        "permission_set_not_found": (
            "Check the name; `daypass permission-sets --tenant NAME` lists those that you may request, and "
            "`GET /api/v1/permission-sets` lists all, for Administrators."
        ),
        "scim_provider_not_found": "Check the name. The operator configures providers, with `groups = scim`.",
        "workload_rule_not_found": "Check the name.",
        "group_not_found": "Check the name or id; `GET /api/v1/groups` lists all, for Administrators.",
        "setting_not_found": "Nothing to remove: the setting has its default.",
        "metadata_not_found": "Check the key.",
        "token_not_found": "Check the id; the token may have been deleted.",
        "event_not_found": "Check the id.",
    },
    "AWS": {
        "aws_refused": "The sentence has AWS's reason. `daypass portal doctor` finds most causes.",
        "aws_policy": (
            "For Administrators: create the managed policies of the permission set in the role's account, or "
            "change the set. For the operator: create or correct the role of a set with a role of its own."
        ),
        "aws_trust": "For the operator: `daypass portal doctor` prints the commands that correct the role.",
        "aws_throttled": "Try again in a moment.",
        "aws_unavailable": "Try again in a moment. The operator can check the network and AWS's health.",
        "aws_misconfigured": (
            "For the operator: check the portal's AWS credentials, its partition and its clock."
        ),
        "aws_not_allowed": (
            "For the operator: `daypass portal aws-setup` prints the permissions that the portal needs."
        ),
        "role_not_found": "For the operator: create the role, or correct the tenant's role.",
    },
    "The portal": {
        "audit_unavailable": "Try again in a moment. For the operator: the database cannot be written.",
        "storage_unavailable": (
            "Try again in a moment. For the operator: the log line has the database's message."
        ),
        "overloaded": "Try again in a moment; see [connections](../guides/run-the-portal.md#connections).",
        "internal": "Give the operator the request id. It is a bug: please report it.",
    },
}
"""The remedies by code, in the sections of the page."""

_OAUTH: Mapping[str, tuple[str, str]] = {
    "invalid_request": (
        "400",
        "A parameter is missing, repeated or invalid; the description names it. Or the portal does not "
        "accept "
        "the ID token of a workload (RFC 8693, section 2.2.2): the audit log has the reason.",
    ),
    "invalid_client": ("400", "The client id is malformed."),
    "invalid_scope": (
        "400",
        "The scope is none that an application may ask for; the description lists them.",
    ),
    "unsupported_response_type": ("400", "The response type must be `code`."),
    "unsupported_grant_type": ("400", "The grant type must be one that the description names."),
    "invalid_grant": (
        "400",
        "The code or the refresh token is unknown, expired, used before or of another client. A code or "
        "token that is used a second time revokes its sign-in. Sign in again.",
    ),
    "access_denied": (
        "redirect",
        "The user refused; `error` is a parameter of the redirect to the application.",
    ),
    "temporarily_unavailable": (
        "429, 503",
        "Too many requests, or the portal cannot answer. Try again later.",
    ),
    "server_error": ("500", "An internal error. Give the operator the request id."),
}
"""The status and meaning of each value of `error`."""


_ONLY_ON_PAGES = frozenset(
    {
        "sign_in_failed",
        "groups_claim",
        "too_many_guesses",
        "request_over",
        "too_soon",
        "oauth_refused",
        "scim_refused",
        "forged_request",
    }
)
"""Codes of answers that the command line does not get, or not as the portal's code."""


def kinds_by_code() -> Mapping[str, Sequence[type[PortalError]]]:
    """Return the classes of errors by their code: the one that defines it, and those with another status."""
    # Imports every subclass of the portal.
    import_module("daypass.portal.app")
    found: dict[str, list[type[PortalError]]] = {}
    for kind in subclasses(PortalError):
        # AwsError, the base class of several, has no code of its own.
        if "code" in vars(kind) or (hasattr(kind, "code") and kind in STATUSES):
            found.setdefault(kind.code, []).append(kind)
    return found


def subclasses(kind: type[PortalError]) -> Iterator[type[PortalError]]:
    """Yield every class of errors that a request may be answered with."""
    for subclass in kind.__subclasses__():
        # Optional, so it may be imported or not; no request is answered with its error.
        if subclass.__module__ != "daypass.portal.telemetry.traces":
            yield subclass
            yield from subclasses(subclass)


def errors_page() -> str:
    """Return the page of all error codes, in Markdown."""
    kinds = kinds_by_code()
    parts = [wrapped(_HEAD)]
    for title, remedies in _SECTIONS.items():
        parts.append(f"## {title}")
        for code, remedy in remedies.items():
            parts += _section(code, kinds[code], remedy)
    rows = [(f"`{error}`", status, meaning) for error, (status, meaning) in _OAUTH.items()]
    parts += ["## OAuth errors", table(("error", "status", "meaning"), rows)]
    return "\n\n".join(parts) + "\n"


def _section(code: str, kinds: Sequence[type[PortalError]], remedy: str) -> Iterator[str]:
    meanings: dict[HTTPStatus, list[str]] = {}
    for kind in kinds:
        # Without its constructor, whose arguments differ: the status depends on the class alone.
        meanings.setdefault(status_of(kind.__new__(kind)), []).append(_first_sentence(kind))
    facts = [
        f"- {status.value} {status.phrase}: {' '.join(sentences)}" for status, sentences in meanings.items()
    ]
    facts.append(f"- What to do: {remedy}")
    if code not in _ONLY_ON_PAGES:
        exit_codes = {_refusal_class(status, code).exit_code for status in meanings}
        facts.append(f"- Exit code of the command line: {', '.join(map(str, sorted(exit_codes)))}")
    yield f"### {code}"
    yield wrapped("\n".join(facts))


def _first_sentence(kind: type[PortalError]) -> str:
    return (kind.__doc__ or "").partition("\n")[0].partition(". ")[0].rstrip(".") + "."
