"""The channel for identity providers that provision: only where one is configured to."""

from collections.abc import Sequence

from daypass.portal.config.providers import GroupSource
from daypass.portal.groups.provisioning.service import ProvisionedGroups
from daypass.portal.http.core.dispatcher import ChannelApp, make_channel_app
from daypass.portal.http.scim import discovery, groups, search, users
from daypass.portal.http.scim.endpoints import ScimEndpoints
from daypass.portal.http.scim.errors import scim_error
from daypass.portal.http.services import Services
from daypass.portal.identity.provisioning.tokens import ScimTokens
from daypass.portal.identity.provisioning.users import ProvisionedUsers


def build(services: Services) -> Sequence[ChannelApp]:
    """Build the channel; without a provider that provisions there is none."""
    providers = frozenset(each.name for each in services.config.providers if each.groups is GroupSource.SCIM)
    if not providers:
        return []
    base = services.config.public_url + discovery.PREFIX
    endpoints = ScimEndpoints(
        ScimTokens(services.database, services.committer, services.clock),
        providers,
        services.authenticator.addresses,
        services.pools.local,
    )
    parts = (services.database, services.committer, services.clock)
    of_users = users.UserHandlers(ProvisionedUsers(*parts), base)
    of_groups = groups.GroupHandlers(ProvisionedGroups(*parts), base)
    routes = [
        *discovery.routes(discovery.DiscoveryHandlers(base), endpoints),
        *users.routes(of_users, endpoints),
        *groups.routes(of_groups, endpoints),
        *search.routes(search.SearchHandlers(of_users, of_groups), endpoints),
    ]
    return [ChannelApp("scim", (discovery.PREFIX + "/",), make_channel_app(routes, scim_error))]
