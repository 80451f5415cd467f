"""The API calls about tenants."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import Response

from daypass.portal.access.model import Caller
from daypass.portal.access.policy import tenant_not_found
from daypass.portal.access.tenants import VisibleTenants, permission_set_of
from daypass.portal.admin.administration import Administration
from daypass.portal.admin.model import TenantRecord, tenant_version
from daypass.portal.diagnostics.finding import Examiner, readiness
from daypass.portal.errors import AlreadyExists, InvalidRequest, TenantNotFound
from daypass.portal.http.api.codec import answer_with, read_body, read_query
from daypass.portal.http.api.etags import expected, tagged
from daypass.portal.http.api.operation import OF_AWS, Condition, Operation
from daypass.portal.http.api.tenants import schemas
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.endpoints import ApiRequest, answer_nothing
from daypass.portal.http.core.warnings import rights_kept, warned
from daypass.portal.http.services import Services
from daypass.portal.tenants.model import Access, TenantAccess


@dataclass(frozen=True, slots=True)
class Tenants:
    """The handlers of calls about tenants."""

    tenants: VisibleTenants
    administration: Administration
    doctor: Examiner | None = None
    """None if the portal does not examine roles."""

    def list_all(self, request: ApiRequest) -> Response:
        """Return a page of the tenants that are visible to the caller."""
        query = read_query(schemas.TenantsQuery, dict(request.query))
        caller = request.caller
        page = self.tenants.page_for(caller, query.search, query.page_request)
        answer = schemas.TenantList(
            tenants=[_represent(caller, access) for access in page.records],
            next_cursor=page.next_cursor,
        )
        return answer_with(answer, exclude_unset=True)

    def show(self, request: ApiRequest) -> Response:
        """Return one tenant that is visible to the caller."""
        caller = request.caller
        access = self.tenants.find_for(caller, request.path["tenant"])
        if access is None:
            raise tenant_not_found(request.path["tenant"])
        response = answer_with(_represent(caller, access), exclude_unset=True)
        return tagged(response, tenant_version(access.tenant)) if caller.administers else response

    def create(self, request: ApiRequest) -> Response:
        """Create a tenant."""
        body = read_body(schemas.TenantCreate, request.body)
        created = self.administration.tenants.create(
            body.name, body.region, request.caller, role_arn=body.role_arn, external_id=body.external_id
        )
        return self._tenant(request.caller, created, HTTPStatus.CREATED, is_new_role=True)

    def update(self, request: ApiRequest) -> Response:
        """Update a tenant."""
        body = read_body(schemas.TenantPatch, request.body)
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
        # Only for a new role, because the examination waits for several calls to AWS.
        if is_new_role and self.doctor is not None:
            ready = readiness(self.doctor.examine_tenant(record.tenant))
            answer.can_issue = ready.can_issue
            answer.role_obstacles = [
                schemas.RoleObstacle(sentence=obstacle.sentence, patch=obstacle.patch)
                for obstacle in ready.obstacles
            ]
        return tagged(answer_with(answer, status, exclude_unset=True), record.version)


def _represent(caller: Caller, access: TenantAccess) -> schemas.TenantRead:
    tenant, permission_set = access.tenant, permission_set_of(caller.user, access)
    answer = schemas.TenantRead(
        id=tenant.id,
        name=tenant.name,
        region=tenant.target.region,
        access=Access.of(permission_set),
        permission_set=permission_set.name,
    )
    if caller.administers:
        answer.role_arn, answer.external_id = tenant.target.role_arn, tenant.target.external_id
        answer.version = tenant_version(tenant)
    return answer


def operations(services: Services) -> Sequence[Operation]:
    """Return the operations."""
    tenants = Tenants(services.tenants, services.administration, services.doctor)
    return [
        Operation(
            method="GET",
            path="/tenants",
            name="tenants",
            summary="List tenants for the caller",
            permission=Permission.SESSION,
            handler=tenants.list_all,
            query=schemas.TenantsQuery,
            answer=schemas.TenantList,
            refusals=(InvalidRequest,),
        ),
        Operation(
            method="POST",
            path="/tenants",
            name="createTenant",
            summary="Create a tenant",
            permission=Permission.ADMINISTRATOR,
            handler=tenants.create,
            body=schemas.TenantCreate,
            answer=schemas.TenantRead,
            status=HTTPStatus.CREATED,
            has_version=True,
            refusals=(AlreadyExists, *OF_AWS),
        ),
        *_one_tenant(tenants),
    ]


def _one_tenant(tenants: Tenants) -> Sequence[Operation]:
    path = "/tenants/{tenant}"
    return [
        Operation(
            method="GET",
            path=path,
            name="tenant",
            summary="Get a tenant",
            permission=Permission.SESSION,
            handler=tenants.show,
            answer=schemas.TenantRead,
            refusals=(TenantNotFound,),
        ),
        Operation(
            method="PATCH",
            path=path,
            name="updateTenant",
            summary="Update a tenant",
            permission=Permission.ADMINISTRATOR,
            handler=tenants.update,
            body=schemas.TenantPatch,
            answer=schemas.TenantRead,
            condition=Condition.CHANGE,
            refusals=(TenantNotFound, *OF_AWS),
        ),
        Operation(
            method="DELETE",
            path=path,
            name="deleteTenant",
            summary="Delete a tenant, with its memberships, settings and metadata",
            permission=Permission.ADMINISTRATOR,
            handler=tenants.delete,
            status=HTTPStatus.NO_CONTENT,
            condition=Condition.CHANGE,
            refusals=(TenantNotFound,),
            waits_for_aws=True,
            warning="Present only if the role kept its permissions: live sessions keep them until they end. "
            "States why.",
        ),
    ]
