"""The legacy calls about users, and which tenants they may use."""

from collections import defaultdict
from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import JSONResponse, Response

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.model import MemberRecord
from daypass.portal.admin.users.store.users import UserQuery
from daypass.portal.errors import InvalidRequest, MembershipNotFound, UserNotFound
from daypass.portal.http.core.endpoints import ApiRequest
from daypass.portal.http.core.tenants import visible_tenants
from daypass.portal.http.legacy.body import nested, read_object, text, words
from daypass.portal.identity.model import Role, User
from daypass.portal.storage.pagination import PageRequest
from daypass.portal.tenants.model import Access

_ALL = PageRequest(limit=1_000_000)
"""The clients know no pages."""


@dataclass(frozen=True, slots=True)
class Users:
    """Users and tenant access, in the words of the clients."""

    all_: Administration

    def listed(self, _call: ApiRequest) -> Response:
        """Every user."""
        page = self.all_.users.page(UserQuery(), _ALL)
        return JSONResponse([user_shape(record.user) for record in page.records])

    def changed(self, call: ApiRequest) -> Response:
        """Add, change or end one, by `State`; the Terraform provider says none and means whichever fits."""
        body = read_object(call.body)
        name, state = text(body, "Username"), text(body, "State", "")
        if state == "deleted":
            self.all_.users.delete(name, call.caller)
            return JSONResponse(None)
        if state not in {"", "added", "updated"}:
            raise InvalidRequest("“State” is added, updated or deleted.")
        role = Role.ADMINISTRATOR if Role.ADMINISTRATOR in words(body, "Roles") else Role.USER
        is_new = state == "added" or (state == "" and not self._is_there(name))
        record = (
            self.all_.users.create(name, role, None, call.caller)
            if is_new
            else self.all_.users.update(name, call.caller, role=role)
        )
        return JSONResponse(user_shape(record.user))

    def access_changed(self, call: ApiRequest) -> Response:
        """Let a user into a tenant, or no longer; 204, for duploctl takes 200 for a failure."""
        body = read_object(call.body)
        tenant, user = text(body, "TenantId"), text(body, "Username")
        if text(body, "State", "") == "deleted":
            self._remove(tenant, user, call)
        else:
            is_read_only = nested(body, "Policy").get("IsReadOnly") or False
            if not isinstance(is_read_only, bool):
                raise InvalidRequest("“IsReadOnly” is true or false.")
            access = Access.READ_ONLY if is_read_only else Access.FULL
            self.all_.members.put(tenant, user, access, call.caller)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    def access_listed(self, _call: ApiRequest) -> Response:
        """Who may use which tenant."""
        by_tenant: dict[str, list[MemberRecord]] = defaultdict(list)
        for one in self.all_.members.page(_ALL).records:
            by_tenant[one.tenant.id].append(one)
        return JSONResponse(
            [
                {
                    "TenantId": tenant_id,
                    "UserAccess": [{"Username": one.user.username, **_policy(one.access)} for one in members],
                }
                for tenant_id, members in by_tenant.items()
            ]
        )

    def access_of(self, call: ApiRequest) -> Response:
        """Which tenants one user may use; `adminAccess=false` leaves out what only the role opens."""
        record = self.all_.users.find(call.path["username"])
        own = {one.tenant.id: one for one in self.all_.users.memberships(record.user.id)}
        rows = [(one.tenant, one.access) for one in own.values()]
        if record.user.is_administrator and call.query.get("adminAccess", "").lower() != "false":
            seen = visible_tenants(self.all_.users.desk.database, record.user)
            rows = [(one.tenant, Access.FULL) for one in seen]
        return JSONResponse(
            [
                {"TenantId": tenant.id, "AccountName": tenant.name, **_policy(access)}
                for tenant, access in rows
            ]
        )

    def _is_there(self, name: str) -> bool:
        try:
            self.all_.users.find(name)
        except UserNotFound:
            return False
        return True

    def _remove(self, tenant: str, user: str, call: ApiRequest) -> None:
        try:
            self.all_.members.remove(tenant, user, call.caller)
        except MembershipNotFound:
            # The clients end what they once began, whether or not somebody did so before.
            return


def user_shape(user: User) -> dict[str, object]:
    """A user, with every field that a client may look for."""
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
