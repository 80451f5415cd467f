"""Every call of our API."""

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
    """What can be asked of us."""
    user = Permission.USER
    return (
        Operation("GET", f"{ROOT}/me", "me", "Who is calling?", user, myself.me, member.Me),
        Operation(
            "GET",
            f"{ROOT}/tenants",
            "tenants",
            "Which tenants may I use?",
            user,
            calls.tenants.listed,
            member.TenantList,
            query=member.TenantsQuery,
            refusals=(InvalidRequest,),
        ),
        *_sessions(sessions),
        Operation(
            "GET",
            f"{ROOT}/tenants/{{tenant}}/resources",
            "resources",
            "What does a tenant own in AWS?",
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
            "Hand out AWS access: keys, or a link that signs in to the console",
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
            "Which sessions did I ask for?",
            Permission.USER,
            sessions.list_own,
            member.SessionList,
            query=member.SessionsQuery,
            refusals=(InvalidRequest,),
        ),
    )


def api_routes(
    operations: Sequence[Operation],
    entrance: ApiEndpoints,
    document: Callable[[], Mapping[str, Any]],
    docs: Callable[[], Response],
) -> list[BaseRoute]:
    """The routes of all operations, and of their description: for programs, and as a page."""
    return [
        *(operation.route(entrance) for operation in operations),
        exact("GET", DESCRIPTION, PublicEndpoint(cache(lambda: JSONResponse(document())))),
        exact("GET", DOCS, PublicEndpoint(docs)),
    ]
