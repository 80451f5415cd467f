"""The channel for identity providers that provision: only where one is configured to."""

from collections.abc import Sequence

from daypass.portal.config.providers import GroupSource
from daypass.portal.http.core.dispatcher import ChannelApp, make_channel_app
from daypass.portal.http.scim import discovery, users
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
    provisioned = ProvisionedUsers(services.database, services.committer, services.clock)
    routes = [
        *discovery.routes(discovery.DiscoveryHandlers(base), endpoints),
        *users.routes(users.UserHandlers(provisioned, base), endpoints),
    ]
    return [ChannelApp("scim", (discovery.PREFIX + "/",), make_channel_app(routes, scim_error))]
