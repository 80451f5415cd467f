"""The API operations for Administrators."""

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
from daypass.portal.http.api.schemas import admin as schemas
from daypass.portal.http.api.schemas import metadata as metadata_schemas
from daypass.portal.http.api.schemas import reports
from daypass.portal.http.api.schemas.member import TenantRead
from daypass.portal.http.api.schemas.pagination import PageQuery
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
    """The handlers of the operations for Administrators."""

    users: Users
    members: Members
    tenants: Tenants
    settings: Settings
    metadata: Metadata
    tokens: Tokens
    records: Records

    def operations(self, root: str) -> Iterator[Operation]:
        """Yield all operations, with paths under *root*."""
        yield from _users(root, self.users)
        yield from _members(root, self.members)
        yield from _tenants(f"{root}/tenants", self.tenants)
        yield from _settings(root, self.settings)
        yield from _metadata(root, self.metadata)
        yield from _tokens(f"{root}/tokens", self.tokens)
        yield from _records(root, self.records)


def _users(root: str, users: Users) -> Iterator[Operation]:
    collection, model, missing = f"{root}/users", schemas.UserRead, UserNotFound
    item = f"{collection}/{{user}}"
    yield _list(collection, "users", "List users", users.list_all, schemas.UserPage, schemas.UsersQuery)
    yield _create(
        collection, "createUser", "Create a user", users.create, schemas.UserCreate, model, AlreadyExists
    )
    yield _import(f"{root}/user-imports", users)
    yield _get(item, "user", "Get a user", users.show, model, missing)
    summary = "Update a user"
    yield _update(
        "PATCH",
        item,
        "updateUser",
        summary,
        users.update,
        schemas.UserPatch,
        model,
        missing,
        LastAdministrator,
    )
    summary = "Set a user's password and end their sign-ins"
    yield _update(
        "PUT",
        f"{item}/password",
        "setPassword",
        summary,
        users.set_password,
        schemas.PasswordWrite,
        model,
        missing,
    )
    summary = "Delete a user, with all sessions, tokens and consents"
    yield _delete(item, "deleteUser", summary, users.delete, missing, LastAdministrator)
    summary = "List a user's memberships"
    yield _list(
        f"{item}/memberships",
        "userMemberships",
        summary,
        users.memberships,
        schemas.MemberPage,
        None,
        missing,
    )


def _import(path: str, users: Users) -> Operation:
    return Operation(
        "POST",
        path,
        "importUsers",
        "Import users from CSV, or check an import",
        Permission.ADMINISTRATOR,
        users.run_import,
        schemas.ImportResult,
        body=schemas.ImportCreate,
        refusals=(*_WRITE, AlreadyExists, UserNotFound, TenantNotFound, LastAdministrator),
    )


def _members(root: str, members: Members) -> Iterator[Operation]:
    collection = f"{root}/tenants/{{tenant}}/members"
    item, missing, model = f"{collection}/{{user}}", (TenantNotFound, UserNotFound), schemas.MemberRead
    page, query = schemas.MemberPage, PageQuery
    yield _list(f"{root}/memberships", "memberships", "List memberships", members.list_all, page, query)
    summary = "List members of a tenant"
    yield _list(collection, "members", summary, members.of_tenant, page, schemas.PeopleQuery, TenantNotFound)
    yield _get(item, "member", "Get a membership", members.show, model, *missing, MembershipNotFound)
    summary = "Add a member, or update their access"
    yield _put(
        item, "putMember", summary, members.put, schemas.MembershipWrite, model, *missing, MembershipNotFound
    )
    summary = "Remove a member"
    yield _delete(item, "removeMember", summary, members.remove, *missing, MembershipNotFound)


def _tenants(root: str, tenants: Tenants) -> Iterator[Operation]:
    item, model, missing = f"{root}/{{tenant}}", TenantRead, TenantNotFound
    yield Operation(
        "GET",
        item,
        "tenant",
        "Get a tenant",
        Permission.USER,
        tenants.show,
        model,
        refusals=(missing,),
    )
    yield _create(
        root,
        "createTenant",
        "Create a tenant",
        tenants.create,
        schemas.TenantCreate,
        model,
        AlreadyExists,
        *OF_AWS,
    )
    summary = "Update a tenant"
    yield _update(
        "PATCH", item, "updateTenant", summary, tenants.update, schemas.TenantPatch, model, missing, *OF_AWS
    )
    summary = "Delete a tenant, with its memberships, settings and metadata"
    warning = (
        "Present only if the role kept its permissions: live sessions keep them until they end. States why."
    )
    deletion = _delete(item, "deleteTenant", summary, tenants.delete, missing)
    yield replace(deletion, waits_for_aws=True, warning=warning)


def _settings(root: str, settings: Settings) -> Iterator[Operation]:
    summary = "List system settings"
    yield _list(f"{root}/settings", "settings", summary, settings.list_all, schemas.SettingList, None)
    yield from _one_setting(f"{root}/settings/{{type}}/{{key:path}}", "Setting", settings)
    summary = "List settings of all tenants"
    path, page = f"{root}/tenant-settings", schemas.SettingPage
    yield _list(path, "allTenantSettings", summary, settings.of_tenants, page, PageQuery)
    of_tenant, summary = f"{root}/tenants/{{tenant}}/settings", "List settings of a tenant"
    yield _list(
        of_tenant, "tenantSettings", summary, settings.list_all, schemas.SettingList, None, TenantNotFound
    )
    yield from _one_setting(f"{of_tenant}/{{key:path}}", "TenantSetting", settings)


def _one_setting(path: str, name: str, settings: Settings) -> Iterator[Operation]:
    model, missing = schemas.SettingRead, (TenantNotFound, SettingNotFound)
    yield _get(path, f"show{name}", "Get a setting", settings.show, model, *missing)
    yield _put(
        path,
        f"put{name}",
        "Create or update a setting",
        settings.put,
        schemas.SettingWrite,
        model,
        *missing,
        *OF_AWS,
    )
    summary = "Delete a setting, so that its default applies"
    yield _delete(path, f"remove{name}", summary, settings.remove, *missing, *OF_AWS)


def _metadata(root: str, metadata: Metadata) -> Iterator[Operation]:
    summary = "List metadata of all tenants"
    path, page = f"{root}/tenant-metadata", metadata_schemas.MetadataPage
    yield _list(path, "allMetadata", summary, metadata.of_tenants, page, PageQuery)
    of_tenant, summary = f"{root}/tenants/{{tenant}}/metadata", "List metadata of a tenant"
    every = metadata_schemas.MetadataList
    yield _list(of_tenant, "metadata", summary, metadata.list_all, every, None, TenantNotFound)
    item, model, missing = (
        f"{of_tenant}/{{key:path}}",
        metadata_schemas.MetadataRead,
        (TenantNotFound, MetadataNotFound),
    )
    yield _get(item, "showMetadata", "Get a metadata entry", metadata.show, model, *missing)
    summary = "Create or update a metadata entry"
    yield _put(item, "putMetadata", summary, metadata.put, metadata_schemas.MetadataWrite, model, *missing)
    yield _delete(item, "removeMetadata", "Delete a metadata entry", metadata.remove, *missing)


def _tokens(root: str, tokens: Tokens) -> Iterator[Operation]:
    summary, query = "List valid API tokens", schemas.TokensQuery
    yield _list(root, "tokens", summary, tokens.list_all, schemas.TokenPage, query, UserNotFound)
    yield Operation(
        "POST",
        root,
        "createToken",
        "Create a permanent API token for a user",
        Permission.ADMINISTRATOR,
        tokens.create,
        schemas.NewToken,
        HTTPStatus.CREATED,
        body=schemas.TokenCreate,
        refusals=(*_WRITE, UserNotFound),
    )
    yield Operation(
        "DELETE",
        f"{root}/{{token}}",
        "revokeToken",
        "Revoke an API token and all tokens derived from it",
        Permission.ADMINISTRATOR,
        tokens.revoke,
        None,
        HTTPStatus.NO_CONTENT,
        refusals=(*_WRITE, TokenNotFound),
    )


def _records(root: str, records: Records) -> Iterator[Operation]:
    summary, page, query = "List sessions of all users", reports.EverySessionPage, reports.EverySessionsQuery
    yield _list(f"{root}/sessions/all", "allSessions", summary, records.sessions, page, query)
    summary = "List audit events"
    yield _list(f"{root}/audit", "audit", summary, records.events, reports.AuditPage, reports.AuditQuery)
    summary, event = "Get an audit event", f"{root}/audit/{{event}}"
    yield _list(event, "auditEvent", summary, records.event, reports.AuditEvent, None, EventNotFound)
    summary = "Get an overview of sessions, refusals and tokens"
    yield _list(f"{root}/overview", "overview", summary, records.overview, reports.OverviewRead, None)


def _list(
    path: str,
    name: str,
    summary: str,
    handler: Handler,
    answer: Model,
    query: Model | None,
    *refusals: Refusal,
) -> Operation:
    """Return an operation that reads."""
    return Operation(
        "GET",
        path,
        name,
        summary,
        Permission.ADMINISTRATOR,
        handler,
        answer,
        query=query,
        refusals=(*_READ, *refusals),
    )


def _get(
    path: str, name: str, summary: str, handler: Handler, answer: Model, *refusals: Refusal
) -> Operation:
    """Return an operation that reads one resource, with its `ETag`."""
    return replace(_list(path, name, summary, handler, answer, None, *refusals), has_version=True)


def _create(
    path: str, name: str, summary: str, handler: Handler, body: Model, answer: Model, *refusals: Refusal
) -> Operation:
    """Return an operation that creates a resource."""
    return Operation(
        "POST",
        path,
        name,
        summary,
        Permission.ADMINISTRATOR,
        handler,
        answer,
        HTTPStatus.CREATED,
        body=body,
        refusals=(*_WRITE, *refusals),
        has_version=True,
    )


def _update(
    method: str,
    path: str,
    name: str,
    summary: str,
    handler: Handler,
    body: Model,
    answer: Model,
    *refusals: Refusal,
) -> Operation:
    """Return an operation that updates a resource, on the condition `If-Match`."""
    return Operation(
        method,
        path,
        name,
        summary,
        Permission.ADMINISTRATOR,
        handler,
        answer,
        body=body,
        refusals=(*_WRITE, VersionNeeded, *refusals),
        condition=Condition.CHANGE,
    )


def _put(
    path: str, name: str, summary: str, handler: Handler, body: Model, answer: Model, *refusals: Refusal
) -> Operation:
    """Return an operation that updates or creates a resource."""
    operation = _update("PUT", path, name, summary, handler, body, answer, *refusals)
    return replace(operation, condition=Condition.PUT)


def _delete(path: str, name: str, summary: str, handler: Handler, *refusals: Refusal) -> Operation:
    """Return an operation that deletes a resource, on the condition `If-Match`."""
    return Operation(
        "DELETE",
        path,
        name,
        summary,
        Permission.ADMINISTRATOR,
        handler,
        None,
        HTTPStatus.NO_CONTENT,
        refusals=(*_WRITE, VersionNeeded, *refusals),
        condition=Condition.CHANGE,
    )
