"""Read calls of the portal's API about the caller: identity, tenants and AWS sessions."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from daypass.cli.api import errors
from daypass.cli.api.client import Portal
from daypass.cli.api.responses import UNREADABLE, every_page, read_json, read_moment
from daypass.cli.cache import removal, tenant_names
from daypass.cli.cache.request import CredentialRequest
from daypass.cli.runtime.errors import Refusal

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Me:
    """The caller, their token, and the portal's AWS account."""

    user_id: str
    username: str
    role: str
    token_id: str
    token_kind: str
    token_name: str
    token_expires_at: datetime
    account_id: str
    region: str
    version: str
    aws_endpoint_url: str | None
    """Endpoint of the AWS emulator that this portal uses; None for AWS itself."""

    @property
    def is_administrator(self) -> bool:
        """Whether the caller may request admin access."""
        return self.role == "Administrator"


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant that the caller may use."""

    id: str
    name: str
    region: str
    access: str
    permission_set: str
    """The name of the caller's permission set; the access at a portal that does not name sets."""


@dataclass(frozen=True, slots=True)
class PermissionSet:
    """A permission set that the caller may request."""

    name: str
    description: str
    rank: int


@dataclass(frozen=True, slots=True)
class Session:
    """An AWS session that the caller requested, and its outcome."""

    id: str
    scope: str
    tenant: str | None
    state: str
    asked_at: datetime
    expires_at: datetime | None
    purpose: str
    door: str
    address: str
    reason: str
    permission_set: str | None
    """None if the attempt was denied, or at a portal that does not name sets."""


@dataclass(frozen=True, slots=True)
class ActiveCredential:
    """The credential that identifies the caller to the portal, and its expiry."""

    is_sign_in: bool
    words: str
    until: datetime


def active_credential(portal: Portal, me: Me) -> ActiveCredential:
    """Return the sign-in on this computer, or the token that was given."""
    until = portal.bearer.signed_in_until()
    name = f" “{me.token_name}”" if me.token_name else ""
    if until is None:
        return ActiveCredential(False, f"{me.token_kind} token{name}", me.token_expires_at)
    # Access tokens expire earlier and are refreshed until then.
    return ActiveCredential(True, f"this computer{name}", datetime.fromtimestamp(until, UTC))


def me(portal: Portal) -> Me:
    """Return who is calling."""
    return _get(portal, "/api/v1/me", "who you are", _me)


def tenants(portal: Portal) -> list[Tenant]:
    """Return the tenants that the caller may use, by name, and update the caches that depend on them."""

    def page_at(cursor: str | None) -> dict[str, Any]:
        query = "" if cursor is None else f"?{urlencode({'cursor': cursor})}"
        return _get(portal, f"/api/v1/tenants{query}", "your tenants", dict)

    try:
        found = [_tenant(each) for each in every_page(portal.origin, "tenants", page_at)]
    except Refusal:
        raise
    except UNREADABLE as error:
        raise errors.not_a_portal(portal.origin) from error
    tenant_names.remember(os.environ, portal.origin, found)
    sets = {tenant.id: tenant.permission_set for tenant in found}
    removal.discard_other_access(os.environ, portal.origin, sets)
    return found


def permission_sets(portal: Portal, tenant: str) -> list[PermissionSet]:
    """Return the permission sets that the caller may request for a tenant, the highest rank first."""
    path = f"/api/v1/tenants/{quote(tenant.lower(), safe='')}/permission-sets"
    found = _get(
        portal,
        path,
        f"the permission sets of tenant {tenant}",
        lambda content: [_permission_set(each) for each in content["permission_sets"]],
    )
    tenant_names.remember_sets(os.environ, portal.origin, [each.name for each in found])
    return found


def sessions(portal: Portal, limit: int) -> list[Session]:
    """Return the caller's *limit* newest AWS sessions, the newest first."""
    path = f"/api/v1/sessions?{urlencode({'limit': limit})}"
    return _get(
        portal, path, "your sessions", lambda content: [_session(each) for each in content["sessions"]]
    )


def console_url(portal: Portal, request: CredentialRequest, destination: str | None) -> str:
    """Return a URL that signs in to the AWS console; it is a secret and valid for 15 minutes."""
    body = portal.request_body(request) | {"purpose": "console"}
    if destination is not None:
        body["destination"] = destination
    answer = portal.request_session(body, f"asking {portal.origin} for the console of {request.what}")
    return _read(portal, answer.body, lambda content: _text(content, "console_url"))


def _get(portal: Portal, path: str, subject: str, read: Callable[[dict[str, Any]], Result]) -> Result:
    answer = portal.call("GET", path, None, f"asking {portal.origin} for {subject}")
    return _read(portal, answer.body, read)


def _read(portal: Portal, body: bytes, read: Callable[[dict[str, Any]], Result]) -> Result:
    try:
        return read(read_json(body))
    except UNREADABLE as error:
        raise errors.not_a_portal(portal.origin) from error


def _me(content: Mapping[str, Any]) -> Me:
    user, token = content["user"], content["token"]
    return Me(
        user_id=_text(user, "id"),
        username=_text(user, "username"),
        role=_text(user, "role"),
        token_id=_text(token, "id"),
        token_kind=_text(token, "kind"),
        token_name=_text(token, "name"),
        token_expires_at=read_moment(token["expires_at"]),
        account_id=_text(content, "account_id"),
        region=_text(content, "region"),
        version=_text(content, "version"),
        # Absent from the answers of older portals.
        aws_endpoint_url=_text(content, "aws_endpoint_url") if content.get("aws_endpoint_url") else None,
    )


def _tenant(content: Mapping[str, Any]) -> Tenant:
    return Tenant(
        id=_text(content, "id"),
        name=_text(content, "name"),
        region=_text(content, "region"),
        access=_text(content, "access"),
        permission_set=_text(content, "permission_set" if "permission_set" in content else "access"),
    )


def _permission_set(content: Mapping[str, Any]) -> PermissionSet:
    return PermissionSet(_text(content, "name"), _text(content, "description"), int(content["rank"]))


def _session(content: Mapping[str, Any]) -> Session:
    expires_at = content["expires_at"]
    return Session(
        id=_text(content, "id"),
        scope=_text(content, "scope"),
        tenant=None if content["tenant"] is None else _text(content, "tenant"),
        state=_text(content, "state"),
        asked_at=read_moment(content["asked_at"]),
        expires_at=None if expires_at is None else read_moment(expires_at),
        purpose=_text(content, "purpose"),
        door=_text(content, "door"),
        address=_text(content, "address"),
        reason=_text(content, "reason"),
        permission_set=_text(content, "permission_set") if content.get("permission_set") else None,
    )


def _text(content: Mapping[str, Any], name: str) -> str:
    """Return the text field *name*, safe for a terminal."""
    text = content[name]
    if not isinstance(text, str):
        raise TypeError(f"{name} is no text")
    return errors.printable(text)
