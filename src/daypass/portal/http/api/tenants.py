"""The API calls about tenants."""

from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import Response

from daypass.portal.access.model import Caller
from daypass.portal.access.policy import tenant_not_found
from daypass.portal.access.tenants import VisibleTenants, access_of
from daypass.portal.admin.administration import Administration
from daypass.portal.admin.model import TenantRecord, tenant_version
from daypass.portal.admin.roles.findings import Examiner, readiness
from daypass.portal.http.api.etags import expected, tagged
from daypass.portal.http.api.schemas import admin, member
from daypass.portal.http.api.schemas.member import answer_with
from daypass.portal.http.core.endpoints import ApiRequest, answer_nothing
from daypass.portal.http.core.warnings import rights_kept, warned
from daypass.portal.tenants.model import TenantAccess


@dataclass(frozen=True, slots=True)
class Tenants:
    """The handlers of calls about tenants."""

    tenants: VisibleTenants
    administration: Administration
    doctor: Examiner | None = None
    """None if the portal does not examine roles."""

    def list_all(self, request: ApiRequest) -> Response:
        """Return a page of the tenants that are visible to the caller."""
        query = member.read_query(member.TenantsQuery, dict(request.query))
        caller = request.caller
        page = self.tenants.page(caller.user, query.search, query.page_request)
        answer = member.TenantList(
            tenants=[_represent(caller, seen) for seen in page.records], next_cursor=page.next_cursor
        )
        return answer_with(answer, exclude_unset=True)

    def show(self, request: ApiRequest) -> Response:
        """Return one tenant that is visible to the caller."""
        caller = request.caller
        seen = self.tenants.find(caller.user, request.path["tenant"])
        if seen is None:
            raise tenant_not_found(request.path["tenant"])
        response = answer_with(_represent(caller, seen), exclude_unset=True)
        return tagged(response, tenant_version(seen.tenant)) if caller.administers else response

    def create(self, request: ApiRequest) -> Response:
        """Create a tenant."""
        body = member.read_body(admin.TenantCreate, request.body)
        created = self.administration.tenants.create(
            body.name, body.region, request.caller, role_arn=body.role_arn, external_id=body.external_id
        )
        return self._tenant(request.caller, created, HTTPStatus.CREATED, is_new_role=True)

    def update(self, request: ApiRequest) -> Response:
        """Update a tenant."""
        body = member.read_body(admin.TenantPatch, request.body)
        changed = self.administration.tenants.update(
            request.path["tenant"],
            request.caller,
            region=body.region,
            role_arn=body.role_arn,
            external_id=body.external_id,
            expected=expected(request),
        )
        is_new_role = body.role_arn is not None or body.external_id is not None
        return self._tenant(request.caller, changed, is_new_role=is_new_role)

    def delete(self, request: ApiRequest) -> Response:
        """Delete a tenant."""
        kept_rights = self.administration.tenants.delete(
            request.path["tenant"], request.caller, expected(request)
        )
        return warned(answer_nothing(), rights_kept(kept_rights))

    def _tenant(
        self, caller: Caller, record: TenantRecord, status: HTTPStatus = HTTPStatus.OK, *, is_new_role: bool
    ) -> Response:
        answer = _represent(caller, TenantAccess(record.tenant, None))
        if is_new_role and self.doctor is not None:
            ready = readiness(self.doctor.examine_tenant(record.tenant))
            answer.can_issue = ready.can_issue
            answer.role_obstacles = [
                member.RoleObstacle(sentence=obstacle.sentence, patch=obstacle.patch)
                for obstacle in ready.obstacles
            ]
        return tagged(answer_with(answer, status, exclude_unset=True), record.version)


def _represent(caller: Caller, seen: TenantAccess) -> member.TenantRead:
    tenant = seen.tenant
    answer = member.TenantRead(
        id=tenant.id, name=tenant.name, region=tenant.region, access=access_of(caller.user, seen)
    )
    if caller.administers:
        answer.role_arn, answer.external_id = tenant.role_arn, tenant.external_id
        answer.version = tenant_version(tenant)
    return answer
