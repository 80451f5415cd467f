"""The calls for Administrators, one by one."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from http import HTTPStatus

from pydantic import BaseModel

from daypass.portal.errors import (
    AccessDenied,
    AlreadyExists,
    AuditUnavailable,
    EventNotFound,
    InsufficientScope,
    InvalidRequest,
    LastAdministrator,
    MembershipNotFound,
    MetadataNotFound,
    PortalError,
    PreconditionFailed,
    ReauthenticationRequired,
    SettingNotFound,
    TenantNotFound,
    TokenNotFound,
    UserNotFound,
)
from daypass.portal.http.api.metadata import Metadata
from daypass.portal.http.api.operation import OF_AWS, Condition, Operation
from daypass.portal.http.api.records import Records
from daypass.portal.http.api.schemas import admin as wire
from daypass.portal.http.api.schemas import metadata as metadata_schemas
from daypass.portal.http.api.schemas.member import TenantRead
from daypass.portal.http.api.settings import Settings
from daypass.portal.http.api.tenants import Tenants
from daypass.portal.http.api.tokens import Tokens
from daypass.portal.http.api.users import Members, Users
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.endpoints import Handler
from daypass.portal.http.core.problems import NotJson, VersionNeeded

_READ = (AccessDenied, InsufficientScope, InvalidRequest)
_WRITE = (*_READ, NotJson, ReauthenticationRequired, PreconditionFailed, AuditUnavailable)

Refusal = type[PortalError]
Model = type[BaseModel]


@dataclass(frozen=True, slots=True)
class AdministrationCalls:
    """What answers them."""

    users: Users
    members: Members
    tenants: Tenants
    settings: Settings
    metadata: Metadata
    tokens: Tokens
    records: Records

    def operations(self, root: str) -> Iterator[Operation]:
        """All of them, under *root*."""
        yield from _users(root, self.users)
        yield from _members(root, self.members)
        yield from _tenants(f"{root}/tenants", self.tenants)
        yield from _settings(root, self.settings)
        yield from _metadata(root, self.metadata)
        yield from _tokens(f"{root}/tokens", self.tokens)
        yield from _records(root, self.records)


def _users(root: str, users: Users) -> Iterator[Operation]:
    all_, facts, missing = f"{root}/users", wire.UserRead, UserNotFound
    one = f"{all_}/{{user}}"
    yield _list(all_, "users", "Which users are there?", users.listed, wire.UserPage, wire.UsersQuery)
    yield _make(all_, "createUser", "Add a user", users.created, wire.UserCreate, facts, AlreadyExists)
    yield _import(f"{root}/user-imports", users)
    yield _show(one, "user", "One user", users.shown, facts, missing)
    what = "Change a user's role, or keep them out"
    yield _change(
        "PATCH", one, "updateUser", what, users.updated, wire.UserPatch, facts, missing, LastAdministrator
    )
    what = "Give a user another password, and end their sign-ins"
    yield _change(
        "PUT", f"{one}/password", "setPassword", what, users.password_set, wire.PasswordWrite, facts, missing
    )
    what = "End a user, with every session, token and approval"
    yield _end(one, "deleteUser", what, users.deleted, missing, LastAdministrator)
    what = "Which tenants is a user a member of?"
    yield _list(
        f"{one}/memberships", "userMemberships", what, users.memberships, wire.MemberPage, None, missing
    )


def _import(path: str, users: Users) -> Operation:
    return Operation(
        "POST",
        path,
        "importUsers",
        "Add users from a table, or see what would become of it",
        Permission.ADMINISTRATOR,
        users.imported,
        wire.ImportResult,
        body=wire.ImportCreate,
        refusals=(*_WRITE, AlreadyExists, UserNotFound, TenantNotFound, LastAdministrator),
    )


def _members(root: str, members: Members) -> Iterator[Operation]:
    all_ = f"{root}/tenants/{{tenant}}/members"
    one, missing, facts = f"{all_}/{{user}}", (TenantNotFound, UserNotFound), wire.MemberRead
    page, query = wire.MemberPage, wire.PageQuery
    yield _list(f"{root}/memberships", "memberships", "Who may use what?", members.listed, page, query)
    what = "Who may use a tenant?"
    yield _list(all_, "members", what, members.of_tenant, page, wire.PeopleQuery, TenantNotFound)
    yield _show(one, "member", "One membership", members.shown, facts, *missing, MembershipNotFound)
    what = "Make a user a member, or change how much they may use"
    yield _put(one, "putMember", what, members.put, wire.MembershipWrite, facts, *missing, MembershipNotFound)
    what = "End a membership"
    yield _end(one, "removeMember", what, members.removed, *missing, MembershipNotFound)


def _tenants(root: str, tenants: Tenants) -> Iterator[Operation]:
    one, facts, missing = f"{root}/{{tenant}}", TenantRead, TenantNotFound
    yield Operation(
        "GET",
        one,
        "tenant",
        "One tenant that I may use",
        Permission.USER,
        tenants.shown,
        facts,
        refusals=(missing,),
    )
    yield _make(
        root,
        "createTenant",
        "Add a tenant",
        tenants.created,
        wire.TenantCreate,
        facts,
        AlreadyExists,
        *OF_AWS,
    )
    what = "Change a tenant's region or role"
    yield _change(
        "PATCH", one, "updateTenant", what, tenants.updated, wire.TenantPatch, facts, missing, *OF_AWS
    )
    what = "End a tenant, with its memberships and settings"
    warning = "Only if the tenant's role kept its rights: live sessions have them until they end, and why."
    deletion = _end(one, "deleteTenant", what, tenants.deleted, missing)
    yield replace(deletion, waits_for_aws=True, warning=warning)


def _settings(root: str, settings: Settings) -> Iterator[Operation]:
    what = "What is set for the system, and what can be?"
    yield _list(f"{root}/settings", "settings", what, settings.listed, wire.SettingList, None)
    yield from _one_setting(f"{root}/settings/{{type}}/{{key:path}}", "Setting", settings)
    what = "What is set for any tenant?"
    path, page = f"{root}/tenant-settings", wire.SettingPage
    yield _list(path, "allTenantSettings", what, settings.of_tenants, page, wire.PageQuery)
    of_tenant, what = f"{root}/tenants/{{tenant}}/settings", "What is set for a tenant, and what can be?"
    yield _list(of_tenant, "tenantSettings", what, settings.listed, wire.SettingList, None, TenantNotFound)
    yield from _one_setting(f"{of_tenant}/{{key:path}}", "TenantSetting", settings)


def _one_setting(path: str, name: str, settings: Settings) -> Iterator[Operation]:
    facts, missing = wire.SettingRead, (TenantNotFound, SettingNotFound)
    yield _show(path, f"show{name}", "One setting", settings.shown, facts, *missing)
    yield _put(
        path, f"put{name}", "Write a setting", settings.put, wire.SettingWrite, facts, *missing, *OF_AWS
    )
    what = "Take a setting away, so that its default holds again"
    yield _end(path, f"remove{name}", what, settings.removed, *missing, *OF_AWS)


def _metadata(root: str, metadata: Metadata) -> Iterator[Operation]:
    what = "What is noted about any tenant?"
    path, page = f"{root}/tenant-metadata", metadata_schemas.MetadataPage
    yield _list(path, "allMetadata", what, metadata.of_tenants, page, wire.PageQuery)
    of_tenant, what = f"{root}/tenants/{{tenant}}/metadata", "What is noted about a tenant?"
    every = metadata_schemas.MetadataList
    yield _list(of_tenant, "metadata", what, metadata.listed, every, None, TenantNotFound)
    one, facts, missing = (
        f"{of_tenant}/{{key:path}}",
        metadata_schemas.MetadataRead,
        (TenantNotFound, MetadataNotFound),
    )
    yield _show(one, "showMetadata", "One note", metadata.shown, facts, *missing)
    what = "Note something about a tenant"
    yield _put(one, "putMetadata", what, metadata.put, metadata_schemas.MetadataWrite, facts, *missing)
    yield _end(one, "removeMetadata", "Take a note away", metadata.removed, *missing)


def _tokens(root: str, tokens: Tokens) -> Iterator[Operation]:
    what, query = "Which API tokens count?", wire.TokensQuery
    yield _list(root, "tokens", what, tokens.listed, wire.TokenPage, query, UserNotFound)
    yield Operation(
        "POST",
        root,
        "createToken",
        "Make a permanent API token for a user",
        Permission.ADMINISTRATOR,
        tokens.created,
        wire.NewToken,
        HTTPStatus.CREATED,
        body=wire.TokenCreate,
        refusals=(*_WRITE, UserNotFound),
    )
    yield Operation(
        "DELETE",
        f"{root}/{{token}}",
        "revokeToken",
        "End an API token and all that stands on it",
        Permission.ADMINISTRATOR,
        tokens.revoked,
        None,
        HTTPStatus.NO_CONTENT,
        refusals=(*_WRITE, TokenNotFound),
    )


def _records(root: str, records: Records) -> Iterator[Operation]:
    what, page, query = "Which sessions did anybody ask for?", wire.EverySessionPage, wire.EverySessionsQuery
    yield _list(f"{root}/sessions/all", "allSessions", what, records.sessions, page, query)
    what = "What is on record?"
    yield _list(f"{root}/audit", "audit", what, records.events, wire.AuditPage, wire.AuditQuery)
    what, event = "One event in full", f"{root}/audit/{{event}}"
    yield _list(event, "auditEvent", what, records.event, wire.AuditEvent, None, EventNotFound)
    what = "How do things stand?"
    yield _list(f"{root}/overview", "overview", what, records.overview, wire.OverviewRead, None)


def _list(
    path: str, name: str, what: str, handler: Handler, answer: Model, query: Model | None, *refusals: Refusal
) -> Operation:
    """Something to read."""
    return Operation(
        "GET",
        path,
        name,
        what,
        Permission.ADMINISTRATOR,
        handler,
        answer,
        query=query,
        refusals=(*_READ, *refusals),
    )


def _show(path: str, name: str, what: str, handler: Handler, answer: Model, *refusals: Refusal) -> Operation:
    """One thing that can be changed, with its version."""
    return replace(_list(path, name, what, handler, answer, None, *refusals), has_version=True)


def _make(
    path: str, name: str, what: str, handler: Handler, body: Model, answer: Model, *refusals: Refusal
) -> Operation:
    """Something new."""
    return Operation(
        "POST",
        path,
        name,
        what,
        Permission.ADMINISTRATOR,
        handler,
        answer,
        HTTPStatus.CREATED,
        body=body,
        refusals=(*_WRITE, *refusals),
        has_version=True,
    )


def _change(
    method: str,
    path: str,
    name: str,
    what: str,
    handler: Handler,
    body: Model,
    answer: Model,
    *refusals: Refusal,
) -> Operation:
    """Another version of what is there."""
    return Operation(
        method,
        path,
        name,
        what,
        Permission.ADMINISTRATOR,
        handler,
        answer,
        body=body,
        refusals=(*_WRITE, VersionNeeded, *refusals),
        condition=Condition.CHANGE,
    )


def _put(
    path: str, name: str, what: str, handler: Handler, body: Model, answer: Model, *refusals: Refusal
) -> Operation:
    """The same for what may not be there yet."""
    changed = _change("PUT", path, name, what, handler, body, answer, *refusals)
    return replace(changed, condition=Condition.PUT)


def _end(path: str, name: str, what: str, handler: Handler, *refusals: Refusal) -> Operation:
    """The end of what is there."""
    return Operation(
        "DELETE",
        path,
        name,
        what,
        Permission.ADMINISTRATOR,
        handler,
        None,
        HTTPStatus.NO_CONTENT,
        refusals=(*_WRITE, VersionNeeded, *refusals),
        condition=Condition.CHANGE,
    )
