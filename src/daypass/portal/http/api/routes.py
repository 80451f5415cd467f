"""The operations and routes of the API."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from daypass.portal.errors import (
    AccessDenied,
    AuditUnavailable,
    InsufficientScope,
    InvalidDuration,
    InvalidRequest,
    JitDisabled,
    TenantNotFound,
)
from daypass.portal.http.api.admin_operations import AdministrationCalls
from daypass.portal.http.api.me import Me
from daypass.portal.http.api.operation import OF_AWS, Operation
from daypass.portal.http.api.resources import Resources
from daypass.portal.http.api.schemas import member
from daypass.portal.http.api.sessions import Sessions
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.endpoints import ApiEndpoints, PublicEndpoint
from daypass.portal.http.core.problems import NotJson
from daypass.portal.http.core.routing import exact

PREFIX = "/api/"
ROOT = "/api/v1"
DESCRIPTION = f"{ROOT}/openapi.json"
DOCS = "/api/docs"

_ISSUING = (
    AccessDenied,
    InsufficientScope,
    JitDisabled,
    TenantNotFound,
    InvalidRequest,
    NotJson,
    InvalidDuration,
    AuditUnavailable,
    *OF_AWS,
)


_READING_AWS = (
    TenantNotFound,
    InvalidRequest,
    AuditUnavailable,
    *OF_AWS,
)


def api_operations(
    myself: Me, sessions: Sessions, resources: Resources, calls: AdministrationCalls
) -> Sequence[Operation]:
    """Return all operations of the API."""
    user = Permission.USER
    return (
        Operation("GET", f"{ROOT}/me", "me", "Get the caller", user, myself.me, member.Me),
        Operation(
            "GET",
            f"{ROOT}/tenants",
            "tenants",
            "List tenants for the caller",
            user,
            calls.tenants.list_all,
            member.TenantList,
            query=member.TenantsQuery,
            refusals=(InvalidRequest,),
        ),
        *_sessions(sessions),
        Operation(
            "GET",
            f"{ROOT}/tenants/{{tenant}}/resources",
            "resources",
            "List AWS resources of a tenant",
            user,
            resources.list_of_tenant,
            member.ResourceList,
            query=member.ResourcesQuery,
            refusals=_READING_AWS,
        ),
        *calls.operations(ROOT),
    )


def _sessions(sessions: Sessions) -> Sequence[Operation]:
    return (
        Operation(
            "POST",
            f"{ROOT}/sessions",
            "createSession",
            "Create an AWS session, with access keys or a console sign-in link",
            Permission.USER,
            sessions.create,
            member.Session,
            HTTPStatus.CREATED,
            body=member.SessionCreate,
            refusals=_ISSUING,
        ),
        Operation(
            "GET",
            f"{ROOT}/sessions",
            "sessions",
            "List sessions of the caller",
            Permission.USER,
            sessions.list_own,
            member.SessionList,
            query=member.SessionsQuery,
            refusals=(InvalidRequest,),
        ),
    )


def api_routes(
    operations: Sequence[Operation],
    endpoints: ApiEndpoints,
    document: Callable[[], Mapping[str, Any]],
    docs: Callable[[], Response],
) -> list[BaseRoute]:
    """Return the routes of all operations, of the OpenAPI document and of the reference page."""
    return [
        *(operation.route(endpoints) for operation in operations),
        exact("GET", DESCRIPTION, PublicEndpoint(cache(lambda: JSONResponse(document())))),
        exact("GET", DOCS, PublicEndpoint(docs)),
    ]
