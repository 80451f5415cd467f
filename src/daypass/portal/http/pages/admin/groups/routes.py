"""The routes of the pages about groups."""

from collections.abc import Sequence

from starlette.routing import BaseRoute

from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.pages.admin.groups.addresses import CREATE, GROUP, GROUPS
from daypass.portal.http.pages.admin.groups.definition import DefinitionPages
from daypass.portal.http.pages.admin.groups.group_list import GroupListPages
from daypass.portal.http.pages.admin.groups.members import MemberPages
from daypass.portal.http.pages.admin.groups.memberships import MembershipPages
from daypass.portal.http.pages.admin.groups.of_tenant import TenantGroupsPages
from daypass.portal.http.pages.admin.groups.of_user import UserGroupsPages
from daypass.portal.http.pages.admin.tenant_list import TENANT_PATH
from daypass.portal.http.pages.admin.user_list import ADDRESS as USERS
from daypass.portal.http.services import Services


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""
    administrator = services.page_routes(Permission.ADMINISTRATOR)
    given = services.pages, services.administration
    groups, definition = GroupListPages(*given), DefinitionPages(*given)
    memberships, members = MembershipPages(*given), MemberPages(*given)
    tenant, member = f"{GROUP}/tenants/{{tenant}}", f"{GROUP}/members/{{user}}"
    return [
        administrator.page(GROUPS, groups.listed),
        # Before the pages of one group: links name groups by id, which is never "create".
        administrator.page(CREATE, definition.new),
        administrator.form(CREATE, definition.create),
        administrator.page(GROUP, memberships.listed),
        administrator.page(f"{GROUP}/edit", definition.edit),
        administrator.form(f"{GROUP}/edit", definition.change),
        administrator.page(f"{GROUP}/delete", definition.ask_delete),
        administrator.form(f"{GROUP}/delete", definition.delete),
        administrator.page(f"{GROUP}/add-tenant", memberships.new),
        administrator.form(f"{GROUP}/add-tenant", memberships.add),
        administrator.page(tenant, memberships.edit),
        administrator.form(tenant, memberships.change),
        administrator.page(f"{tenant}/remove", memberships.ask_remove),
        administrator.form(f"{tenant}/remove", memberships.remove),
        administrator.page(f"{GROUP}/members", members.listed),
        administrator.form(f"{GROUP}/members", members.add),
        administrator.page(f"{member}/remove", members.ask_remove),
        administrator.form(f"{member}/remove", members.remove),
        administrator.page(f"{USERS}/{{user}}/groups", UserGroupsPages(*given).show),
        administrator.page(f"{TENANT_PATH}/groups", TenantGroupsPages(*given).show),
    ]
