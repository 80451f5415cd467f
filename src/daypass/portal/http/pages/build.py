"""The pages of the portal: their routes, and the static files."""

from collections.abc import Callable, Sequence

from starlette.routing import BaseRoute

from daypass.portal.http.core.dispatcher import ChannelApp, make_channel_app
from daypass.portal.http.pages import (
    aws_services,
    console_access,
    profile,
    resources,
    sessions,
    sign_in,
    tenant_choice,
    tokens,
)
from daypass.portal.http.pages.admin import (
    audit,
    fence,
    groups,
    imports,
    metadata,
    overview,
    permission_sets,
    provisioning,
    role_maxima,
    service_accounts,
    system_config,
    tenant_access,
    tenant_aws,
    tenant_list,
    tenant_settings,
    user_detail,
    user_list,
    workload_rules,
)
from daypass.portal.http.pages.passkeys import confirmation, own, recovery, step
from daypass.portal.http.pages.providers import administration as user_sign_in
from daypass.portal.http.pages.providers import logout as provider_logout
from daypass.portal.http.pages.providers import methods as sign_in_methods
from daypass.portal.http.pages.providers import pages as provider_pages
from daypass.portal.http.services import Services

ROUTES: Sequence[Callable[[Services], Sequence[BaseRoute]]] = (
    sign_in.routes,
    provider_pages.routes,
    provider_logout.routes,
    step.routes,
    recovery.routes,
    confirmation.routes,
    sign_in_methods.routes,
    tenant_choice.routes,
    profile.routes,
    own.routes,
    sessions.routes,
    console_access.routes,
    tokens.routes,
    resources.routes,
    overview.routes,
    audit.routes,
    system_config.routes,
    role_maxima.routes,
    tenant_list.routes,
    tenant_access.routes,
    tenant_settings.routes,
    metadata.routes,
    tenant_aws.routes,
    aws_services.routes,
    permission_sets.routes,
    fence.routes,
    user_list.routes,
    imports.routes,
    user_detail.routes,
    user_sign_in.routes,
    groups.routes,
    service_accounts.routes,
    workload_rules.routes,
    provisioning.routes,
)
"""The routes of each module with pages."""


def build(services: Services) -> Sequence[ChannelApp]:
    """Build the pages. They also answer the paths that no other channel has."""
    routes = [route for of_module in ROUTES for route in of_module(services)]
    app = make_channel_app([*routes, *services.assets.routes()], services.error_pages)
    return [ChannelApp("web", ("",), app)]
