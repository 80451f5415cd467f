"""The API: its operations, the OpenAPI document and the reference page."""

from collections.abc import Callable, Sequence
from functools import cache

from starlette.responses import JSONResponse

from daypass.portal.access.model import Channel
from daypass.portal.http.api import (
    audit,
    me,
    members,
    metadata,
    overview,
    permission_sets,
    provisioning,
    resources,
    tokens,
    user_imports,
    workload_rules,
)
from daypass.portal.http.api.docs import docs_page
from daypass.portal.http.api.groups import handlers as groups
from daypass.portal.http.api.groups import memberships as group_memberships
from daypass.portal.http.api.openapi import openapi_document
from daypass.portal.http.api.operation import ROOT, Operation
from daypass.portal.http.api.sessions import all_users
from daypass.portal.http.api.sessions import handlers as sessions
from daypass.portal.http.api.settings import handlers as settings
from daypass.portal.http.api.tenants import handlers as tenants
from daypass.portal.http.api.users import handlers as users
from daypass.portal.http.core.dispatcher import ChannelApp, make_channel_app
from daypass.portal.http.core.endpoints import PublicEndpoint
from daypass.portal.http.core.problems import problem
from daypass.portal.http.core.routing import exact
from daypass.portal.http.services import Services

PREFIX = "/api/"
OPENAPI_PATH = f"{ROOT}/openapi.json"
DOCS = "/api/docs"

OPERATIONS: Sequence[Callable[[Services], Sequence[Operation]]] = (
    me.operations,
    sessions.operations,
    tenants.operations,
    resources.operations,
    users.operations,
    user_imports.operations,
    members.operations,
    groups.operations,
    group_memberships.operations,
    permission_sets.operations,
    workload_rules.operations,
    provisioning.operations,
    settings.operations,
    metadata.operations,
    tokens.operations,
    all_users.operations,
    audit.operations,
    overview.operations,
)
"""The operations of each resource, in the order of the OpenAPI document."""


def build(services: Services) -> Sequence[ChannelApp]:
    """Build the API."""
    operations = [operation for of_resource in OPERATIONS for operation in of_resource(services)]
    # Both are built on first use, to keep the start fast.
    document = cache(lambda: openapi_document(operations, services.config.public_url, services.release))
    docs = cache(lambda: services.pages.show_alone("api/docs.html", docs_page(document(), OPENAPI_PATH)))
    endpoints = services.api_endpoints(Channel.API)
    routes = [
        *(operation.route(endpoints) for operation in operations),
        exact("GET", OPENAPI_PATH, PublicEndpoint(cache(lambda: JSONResponse(document())))),
        exact("GET", DOCS, PublicEndpoint(docs)),
    ]
    return [ChannelApp("api", (PREFIX,), make_channel_app(routes, problem))]
