"""The administrative actions that each route can make, on every channel. No other route is served.

`portal/admin/reauthentication.py` says which of the actions need reauthentication, and why.
`daypass apply` uses the routes of the API.
"""

from collections.abc import Mapping, Sequence

from daypass.portal.admin.reauthentication import ACTIONS

_API, _PAGES = "/api/v1", "/administrator"
_API_TENANT, _TENANT, _USER = (
    f"{_API}/tenants/{{tenant}}",
    f"{_PAGES}/tenants/{{tenant}}",
    f"{_PAGES}/users/{{user}}",
)
_API_GROUP, _GROUP = f"{_API}/groups/{{group}}", f"{_PAGES}/groups/{{group}}"
_LEGACY_CONFIG, _LEGACY_METADATA = "/v3/admin/systemSettings/config", "/v3/admin/tenant/{tenant}/metadata"
_IMPORTED = ("user.import", "user.create", "user.update", "membership.put")

API: Mapping[str, Sequence[str]] = {
    f"POST {_API}/users": ("user.create",),
    f"PATCH {_API}/users/{{user}}": ("user.update",),
    f"PUT {_API}/users/{{user}}/password": ("user.set_password",),
    f"POST {_API}/users/{{user}}/recovery-link": ("user.recovery_link",),
    f"DELETE {_API}/users/{{user}}": ("user.delete",),
    f"POST {_API}/user-imports": _IMPORTED,
    f"PUT {_API_TENANT}/members/{{user}}": ("membership.put",),
    f"DELETE {_API_TENANT}/members/{{user}}": ("membership.remove",),
    f"POST {_API}/groups": ("group.create",),
    f"PATCH {_API_GROUP}": ("group.update",),
    f"DELETE {_API_GROUP}": ("group.delete",),
    f"PUT {_API_GROUP}/members/{{user}}": ("group_member.add",),
    f"DELETE {_API_GROUP}/members/{{user}}": ("group_member.remove",),
    f"PUT {_API_GROUP}/memberships/{{tenant}}": ("group_membership.put",),
    f"DELETE {_API_GROUP}/memberships/{{tenant}}": ("group_membership.remove",),
    f"PUT {_API}/permission-sets/{{permission_set}}": ("permission_set.put",),
    f"DELETE {_API}/permission-sets/{{permission_set}}": ("permission_set.remove",),
    f"PUT {_API}/workload-rules/{{rule}}": ("workload_rule.put",),
    f"DELETE {_API}/workload-rules/{{rule}}": ("workload_rule.remove",),
    f"POST {_API}/scim-providers/{{provider}}/tokens": ("scim_token.create",),
    f"DELETE {_API}/scim-providers/{{provider}}/tokens/{{token}}": ("scim_token.revoke",),
    f"POST {_API}/tenants": ("tenant.create",),
    f"PATCH {_API_TENANT}": ("tenant.update",),
    f"DELETE {_API_TENANT}": ("tenant.delete",),
    f"PUT {_API}/settings/{{type}}/{{key:path}}": ("setting.put",),
    f"DELETE {_API}/settings/{{type}}/{{key:path}}": ("setting.remove",),
    f"PUT {_API_TENANT}/settings/{{key:path}}": ("setting.put",),
    f"DELETE {_API_TENANT}/settings/{{key:path}}": ("setting.remove",),
    f"PUT {_API_TENANT}/metadata/{{key:path}}": ("metadata.put",),
    f"DELETE {_API_TENANT}/metadata/{{key:path}}": ("metadata.remove",),
    f"POST {_API}/tokens": ("token.create",),
    f"DELETE {_API}/tokens/{{token}}": ("token.revoke",),
}

LEGACY: Mapping[str, Sequence[str]] = {
    "POST /admin/AddTenant": ("tenant.create",),
    "POST /admin/DeleteTenant/{tenant}": ("tenant.delete",),
    "POST /admin/UpdateUserRole": ("user.create", "user.update", "user.delete"),
    "POST /admin/UpdateUserAccess": ("membership.put", "membership.remove"),
    f"POST {_LEGACY_CONFIG}": ("setting.put",),
    f"DELETE {_LEGACY_CONFIG}/{{key:path}}": ("setting.remove",),
    f"POST {_LEGACY_METADATA}": ("setting.put",),
    f"PUT {_LEGACY_METADATA}/{{key:path}}": ("setting.put",),
    f"DELETE {_LEGACY_METADATA}/{{key:path}}": ("setting.remove",),
    "POST /admin/UpdateTenantConfigData": ("metadata.put", "metadata.remove"),
    "POST /adminproxy/CreateInfrastructureConfig": ("infrastructure.change",),
    "POST /adminproxy/DeleteInfrastructureConfig/{name}": ("infrastructure.change",),
}

PAGES: Mapping[str, Sequence[str]] = {
    f"POST {_PAGES}/users": ("user.create", "membership.put"),
    f"POST {_PAGES}/service-accounts": ("user.create",),
    f"POST {_PAGES}/service-accounts/{{user}}": ("user.update",),
    f"POST {_PAGES}/delete-user": ("user.delete",),
    f"POST {_USER}": ("membership.put",),
    f"POST {_USER}/remove": ("membership.remove",),
    f"POST {_USER}/update": ("user.update",),
    f"POST {_USER}/password": ("user.set_password",),
    f"POST {_USER}/sign-in-methods": ("external_identity.link",),
    f"POST {_USER}/sign-in-methods/unlink": ("external_identity.unlink",),
    f"POST {_USER}/recovery-link": ("user.recovery_link",),
    f"POST {_USER}/tokens": ("token.create",),
    f"POST {_USER}/tokens/revoke": ("token.revoke",),
    f"POST {_PAGES}/import-users": ("user.import.check",),
    f"POST {_PAGES}/import-users/do": _IMPORTED,
    f"POST {_PAGES}/groups/create": ("group.create",),
    f"POST {_GROUP}/edit": ("group.update",),
    f"POST {_GROUP}/delete": ("group.delete",),
    f"POST {_GROUP}/add-tenant": ("group_membership.put",),
    f"POST {_GROUP}/tenants/{{tenant}}": ("group_membership.put",),
    f"POST {_GROUP}/tenants/{{tenant}}/remove": ("group_membership.remove",),
    f"POST {_GROUP}/members": ("group_member.add",),
    f"POST {_GROUP}/members/{{user}}/remove": ("group_member.remove",),
    f"POST {_PAGES}/add-permission-set": ("permission_set.put",),
    f"POST {_PAGES}/permission-sets/{{permission_set}}/edit": ("permission_set.put",),
    f"POST {_PAGES}/delete-permission-set": ("permission_set.remove",),
    f"POST {_PAGES}/add-workload-rule": ("workload_rule.put",),
    f"POST {_PAGES}/workload-rules/{{rule}}/edit": ("workload_rule.put",),
    f"POST {_PAGES}/workload-rules/{{rule}}/disable": ("workload_rule.put",),
    f"POST {_PAGES}/delete-workload-rule": ("workload_rule.remove",),
    f"POST {_PAGES}/provisioning/tokens": ("scim_token.create",),
    f"POST {_PAGES}/provisioning/tokens/revoke": ("scim_token.revoke",),
    f"POST {_PAGES}/tenants": ("tenant.create",),
    f"POST {_PAGES}/delete-tenant": ("tenant.delete",),
    f"POST {_TENANT}": ("membership.put",),
    f"POST {_TENANT}/remove": ("membership.remove",),
    f"POST {_TENANT}/settings": ("setting.put",),
    f"POST {_TENANT}/settings/change": ("setting.put",),
    f"POST {_TENANT}/settings/remove": ("setting.remove",),
    f"POST {_TENANT}/metadata": ("metadata.put",),
    f"POST {_TENANT}/metadata/change": ("metadata.put",),
    f"POST {_TENANT}/metadata/remove": ("metadata.remove",),
    f"POST {_PAGES}/system-settings": ("setting.put",),
    f"POST {_PAGES}/system-settings/change": ("setting.put",),
    f"POST {_PAGES}/system-settings/remove": ("setting.remove",),
    f"POST {_PAGES}/system-settings/roles": ("role.retry",),
    f"POST {_PAGES}/audit/verify": ("audit.verify",),
}

OWN: Mapping[str, Sequence[str]] = {
    "POST /tokens": ("token.create",),
    "POST /sign-in-methods/link": ("external_identity.link",),
    "POST /sign-in-methods/unlink": ("external_identity.unlink",),
    "POST /oauth/authorize": ("oauth.approve",),
    "POST /profile/passkeys": ("passkey.add",),
    "POST /profile/passkeys/remove": ("passkey.remove",),
    "POST /app/user/verify-token": ("local_access.approve",),
}
"""Routes for every user with which an Administrator can obtain lasting authority for themselves, or give it
up."""

ROUTES: Mapping[str, Sequence[str]] = {**API, **LEGACY, **PAGES, **OWN}


def check_route(method: str, path: str) -> None:
    """Raise `LookupError` unless a route for Administrators is read-only or in the table."""
    route = f"{method} {path}"
    # A route that is missing in the table has one action with an empty name, which no action has, so it is
    # refused too.
    if method != "GET" and not ACTIONS.keys() >= set(ROUTES.get(route, ("",))):
        raise LookupError(f"{route} is not in the table of administrative actions")
