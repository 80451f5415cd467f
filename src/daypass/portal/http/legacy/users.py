"""The legacy calls about users and their access to tenants."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from daypass.portal.access.tenants import VisibleTenants, access_of
from daypass.portal.admin.administration import Administration
from daypass.portal.admin.model import MemberRecord, UserQuery
from daypass.portal.errors import InvalidRequest, MembershipNotFound, UserNotFound
from daypass.portal.http.core.endpoints import ApiRequest
from daypass.portal.http.legacy.body import nested, read_object, text, words
from daypass.portal.http.legacy.routes import LegacyRoutes
from daypass.portal.http.services import Services
from daypass.portal.identity.model import Role, User
from daypass.portal.storage.pagination import PageRequest
from daypass.portal.tenants.model import Access

_ALL = PageRequest(limit=1_000_000)
"""A single page with everything, because the clients do not paginate."""


@dataclass(frozen=True, slots=True)
class Users:
    """The handlers for users and tenant access, in the clients' format."""

    administration: Administration
    tenants: VisibleTenants

    def list_all(self, _request: ApiRequest) -> Response:
        """Return all users."""
        page = self.administration.users.page(UserQuery(), _ALL)
        return JSONResponse([user_shape(record.user) for record in page.records])

    def change(self, request: ApiRequest) -> Response:
        """Create, update or delete a user by `State`; without one, create or update (Terraform provider)."""
        body = read_object(request.body)
        name, state = text(body, "Username"), text(body, "State", "")
        if state == "deleted":
            self.administration.users.delete(name, request.caller)
            return JSONResponse(None)
        if state not in {"", "added", "updated"}:
            raise InvalidRequest("“State” must be “added”, “updated” or “deleted”.")
        role = Role.ADMINISTRATOR if Role.ADMINISTRATOR in words(body, "Roles") else Role.USER
        is_new = state == "added" or (state == "" and not self._is_there(name))
        record = (
            self.administration.users.create(name, role, None, request.caller)
            if is_new
            else self.administration.users.update(name, request.caller, role=role)
        )
        return JSONResponse(user_shape(record.user))

    def change_access(self, request: ApiRequest) -> Response:
        """Add or remove a membership. Answers 204, because duploctl treats 200 as a failure."""
        body = read_object(request.body)
        tenant, user = text(body, "TenantId"), text(body, "Username")
        if text(body, "State", "") == "deleted":
            self._remove(tenant, user, request)
        else:
            # `duploctl tenant add_user` sends null, which means full access.
            is_read_only = nested(body, "Policy").get("IsReadOnly") or False
            if not isinstance(is_read_only, bool):
                raise InvalidRequest("“IsReadOnly” must be true or false.")
            access = Access.READ_ONLY if is_read_only else Access.FULL
            # A custom set has no form here: null, which is also sent to leave a policy as it is, would turn
            # it into full access.
            self.administration.members.put(tenant, user, access, request.caller, keeps_custom=True)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    def list_access(self, _request: ApiRequest) -> Response:
        """Return all memberships by tenant."""
        by_tenant: dict[str, list[MemberRecord]] = defaultdict(list)
        for member in self.administration.members.page(_ALL).records:
            by_tenant[member.tenant.id].append(member)
        return JSONResponse(
            [
                {
                    "TenantId": tenant_id,
                    "UserAccess": [
                        {"Username": member.user.username, **_policy(member.access)} for member in members
                    ],
                }
                for tenant_id, members in by_tenant.items()
            ]
        )

    def access_of(self, request: ApiRequest) -> Response:
        """Return a user's tenants; `adminAccess=false` omits those visible only as an Administrator."""
        record = self.administration.users.find(request.path["username"])
        user = record.user
        if user.is_administrator and request.query.get("adminAccess", "").lower() == "false":
            user = replace(user, role=Role.USER)
        rows = [(access.tenant, access_of(user, access)) for access in self.tenants.all(user)]
        return JSONResponse(
            [
                {"TenantId": tenant.id, "AccountName": tenant.name, **_policy(access)}
                for tenant, access in rows
            ]
        )

    def _is_there(self, name: str) -> bool:
        try:
            self.administration.users.find(name)
        except UserNotFound:
            return False
        return True

    def _remove(self, tenant: str, user: str, request: ApiRequest) -> None:
        try:
            self.administration.members.remove(tenant, user, request.caller)
        except MembershipNotFound:
            # The clients expect the removal to be idempotent.
            return


def user_shape(user: User) -> dict[str, object]:
    """Return a user with all fields that the clients read."""
    return {
        "Username": user.username,
        "Roles": [user.role],
        "IsReadOnly": False,
        "IsVpnConfigCreated": False,
        "IsConfirmationEmailSent": False,
        "Permissions": [],
    }


def _policy(access: Access) -> dict[str, object]:
    return {"Policy": {"IsReadOnly": access is Access.READ_ONLY}}


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""
    users, make = Users(services.administration, services.tenants), LegacyRoutes.of(services)
    return [
        make.administer("GET", "/admin/GetAllUserRoles", users.list_all),
        make.administer("POST", "/admin/UpdateUserRole", users.change),
        make.administer("POST", "/admin/UpdateUserAccess", users.change_access),
        make.administer("GET", "/admin/GetAllTenantAuthInfo", users.list_access),
        make.administer("GET", "/v3/admin/user/{username}/tenantAccess", users.access_of),
    ]
