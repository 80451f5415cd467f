"""The API calls about the memberships of tenants that groups give, for Administrators."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import Response

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.groups.model import membership_version
from daypass.portal.errors import GroupNotFound, MembershipNotFound, PermissionSetNotFound, TenantNotFound
from daypass.portal.groups.model import GroupMembership
from daypass.portal.http.api.codec import answer_with, read_body, read_query
from daypass.portal.http.api.etags import expected, expected_or_none, tagged
from daypass.portal.http.api.groups import schemas
from daypass.portal.http.api.operation import Condition, Operation
from daypass.portal.http.api.schema import PageQuery
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.endpoints import ApiRequest, answer_nothing
from daypass.portal.http.services import Services


@dataclass(frozen=True, slots=True)
class GroupMemberships:
    """The handlers of calls about the memberships that groups give."""

    administration: Administration

    def of_group(self, request: ApiRequest) -> Response:
        """Return a page of the memberships that a group gives."""
        query = read_query(PageQuery, dict(request.query))
        page = self.administration.group_memberships.page(request.path["group"], query.page_request)
        memberships = [_represent(membership) for membership in page.records]
        return answer_with(schemas.GroupMembershipPage(memberships=memberships, next_cursor=page.next_cursor))

    def of_tenant(self, request: ApiRequest) -> Response:
        """Return the memberships of all groups in a tenant."""
        found = self.administration.group_memberships.of_tenant(request.path["tenant"])
        return answer_with(schemas.GroupMembershipList(memberships=[_represent(each) for each in found]))

    def show(self, request: ApiRequest) -> Response:
        """Return one membership."""
        return _membership(
            self.administration.group_memberships.find(request.path["group"], request.path["tenant"])
        )

    def put(self, request: ApiRequest) -> Response:
        """Add or update a membership that a group gives."""
        body = read_body(schemas.GroupMembershipWrite, request.body)
        return _membership(
            self.administration.group_memberships.put(
                request.path["group"],
                request.path["tenant"],
                body.permission_set,
                body.ends_at,
                request.caller,
                expected_or_none(request),
            )
        )

    def remove(self, request: ApiRequest) -> Response:
        """Remove a membership that a group gives."""
        self.administration.group_memberships.remove(
            request.path["group"], request.path["tenant"], request.caller, expected(request)
        )
        return answer_nothing()


def _membership(membership: GroupMembership) -> Response:
    return tagged(answer_with(_represent(membership)), membership_version(membership))


def _represent(membership: GroupMembership) -> schemas.GroupMembershipRead:
    return schemas.GroupMembershipRead(
        group=membership.group.name,
        group_id=membership.group.id,
        tenant=membership.tenant.name,
        tenant_id=membership.tenant.id,
        access=membership.access,
        permission_set=membership.permission_set.name,
        ends_at=membership.ends_at,
        created_at=membership.created_at,
        version=membership_version(membership),
    )


def operations(services: Services) -> Sequence[Operation]:
    """Return the operations."""
    memberships = GroupMemberships(services.administration)
    return [
        Operation(
            method="GET",
            path="/groups/{group}/memberships",
            name="groupMemberships",
            summary="List the memberships that a group gives",
            permission=Permission.ADMINISTRATOR,
            handler=memberships.of_group,
            query=PageQuery,
            answer=schemas.GroupMembershipPage,
            refusals=(GroupNotFound,),
        ),
        Operation(
            method="GET",
            path="/tenants/{tenant}/groups",
            name="tenantGroups",
            summary="List the memberships of groups in a tenant",
            permission=Permission.ADMINISTRATOR,
            handler=memberships.of_tenant,
            answer=schemas.GroupMembershipList,
            refusals=(TenantNotFound,),
        ),
        *_one_membership(memberships),
    ]


def _one_membership(memberships: GroupMemberships) -> Sequence[Operation]:
    path = "/groups/{group}/memberships/{tenant}"
    missing = (GroupNotFound, TenantNotFound, MembershipNotFound)
    return [
        Operation(
            method="GET",
            path=path,
            name="groupMembership",
            summary="Get a membership that a group gives",
            permission=Permission.ADMINISTRATOR,
            handler=memberships.show,
            answer=schemas.GroupMembershipRead,
            has_version=True,
            refusals=missing,
        ),
        Operation(
            method="PUT",
            path=path,
            name="putGroupMembership",
            summary="Add or update a membership that a group gives",
            permission=Permission.ADMINISTRATOR,
            handler=memberships.put,
            body=schemas.GroupMembershipWrite,
            answer=schemas.GroupMembershipRead,
            condition=Condition.PUT,
            refusals=(*missing, PermissionSetNotFound),
        ),
        Operation(
            method="DELETE",
            path=path,
            name="removeGroupMembership",
            summary="Remove a membership that a group gives",
            permission=Permission.ADMINISTRATOR,
            handler=memberships.remove,
            status=HTTPStatus.NO_CONTENT,
            condition=Condition.CHANGE,
            refusals=missing,
        ),
    ]
