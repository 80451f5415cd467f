"""The API calls about memberships, for Administrators."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Literal

from pydantic import BaseModel, Field
from starlette.responses import Response

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.model import MemberRecord
from daypass.portal.errors import (
    InvalidRequest,
    MembershipNotFound,
    PermissionSetNotFound,
    TenantNotFound,
    UserNotFound,
)
from daypass.portal.http.api.codec import answer_with, read_body, read_query
from daypass.portal.http.api.etags import expected, expected_or_none, tagged
from daypass.portal.http.api.operation import Condition, Operation
from daypass.portal.http.api.schema import (
    Moment,
    Paged,
    PageQuery,
    PeopleQuery,
    RequestBody,
    Version,
    example,
)
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.endpoints import ApiRequest, answer_nothing
from daypass.portal.http.services import Services
from daypass.portal.permission_sets.model import FULL
from daypass.portal.tenants.model import Access


class MemberRead(BaseModel):
    """A user's membership in a tenant."""

    tenant: str
    tenant_id: str
    username: str
    user_id: str
    access: Annotated[Access, Field(description="`full`, or `read-only` for every other permission set.")]
    permission_set: Annotated[str, Field(description="The name of the permission set.")]
    since: Moment
    version: Version


class MemberPage(Paged):
    """A page of memberships."""

    memberships: list[MemberRead]


class MembershipWrite(RequestBody):
    """The request to add or update a membership."""

    model_config = example(access="read-only")

    access: Annotated[
        Literal["full", "read-only"] | None,
        Field(description="The access, if no permission set is sent; by default, `full`."),
    ] = None
    permission_set: Annotated[
        str | None,
        Field(min_length=1, max_length=64, description="The permission set, by name, instead of `access`."),
    ] = None


@dataclass(frozen=True, slots=True)
class Members:
    """The handlers of calls about memberships."""

    administration: Administration

    def list_all(self, request: ApiRequest) -> Response:
        """Return a page of all memberships."""
        query = read_query(PageQuery, dict(request.query))
        page = self.administration.members.page(query.page_request).map(_represent)
        answer = MemberPage(memberships=list(page.records), next_cursor=page.next_cursor)
        return answer_with(answer)

    def of_tenant(self, request: ApiRequest) -> Response:
        """Return a page of a tenant's members."""
        query = read_query(PeopleQuery, dict(request.query))
        page_request = query.page_request
        page = self.administration.members.of_tenant(request.path["tenant"], page_request, query.search).map(
            _represent
        )
        answer = MemberPage(memberships=list(page.records), next_cursor=page.next_cursor)
        return answer_with(answer)

    def of_user(self, request: ApiRequest) -> Response:
        """Return all memberships of a user."""
        members = self.administration.users.memberships(request.path["user"])
        answer = MemberPage(memberships=[_represent(member) for member in members], next_cursor=None)
        return answer_with(answer)

    def show(self, request: ApiRequest) -> Response:
        """Return one membership."""
        return _member(self.administration.members.find(request.path["tenant"], request.path["user"]))

    def put(self, request: ApiRequest) -> Response:
        """Add a member to a tenant, or update their access."""
        body = read_body(MembershipWrite, request.body)
        tenant, user = request.path["tenant"], request.path["user"]
        if body.access is not None and body.permission_set is not None:
            raise InvalidRequest("Send either “access” or “permission_set”, not both.")
        name = body.permission_set or body.access or FULL.name
        return _member(
            self.administration.members.put(tenant, user, name, request.caller, expected_or_none(request))
        )

    def remove(self, request: ApiRequest) -> Response:
        """Remove a member from a tenant."""
        self.administration.members.remove(
            request.path["tenant"], request.path["user"], request.caller, expected(request)
        )
        return answer_nothing()


def _member(record: MemberRecord) -> Response:
    return tagged(answer_with(_represent(record)), record.version)


def _represent(record: MemberRecord) -> MemberRead:
    return MemberRead(
        tenant=record.tenant.name,
        tenant_id=record.tenant.id,
        username=record.user.username,
        user_id=record.user.id,
        access=record.access,
        permission_set=record.permission_set.name,
        since=record.since,
        version=record.version,
    )


def operations(services: Services) -> Sequence[Operation]:
    """Return the operations."""
    members = Members(services.administration)
    return [
        Operation(
            method="GET",
            path="/memberships",
            name="memberships",
            summary="List memberships",
            permission=Permission.ADMINISTRATOR,
            handler=members.list_all,
            query=PageQuery,
            answer=MemberPage,
        ),
        Operation(
            method="GET",
            path="/users/{user}/memberships",
            name="userMemberships",
            summary="List a user's memberships",
            permission=Permission.ADMINISTRATOR,
            handler=members.of_user,
            answer=MemberPage,
            refusals=(UserNotFound,),
        ),
        Operation(
            method="GET",
            path="/tenants/{tenant}/members",
            name="members",
            summary="List members of a tenant",
            permission=Permission.ADMINISTRATOR,
            handler=members.of_tenant,
            query=PeopleQuery,
            answer=MemberPage,
            refusals=(TenantNotFound,),
        ),
        *_one_membership(members),
    ]


def _one_membership(members: Members) -> Sequence[Operation]:
    path, missing = "/tenants/{tenant}/members/{user}", (TenantNotFound, UserNotFound, MembershipNotFound)
    return [
        Operation(
            method="GET",
            path=path,
            name="member",
            summary="Get a membership",
            permission=Permission.ADMINISTRATOR,
            handler=members.show,
            answer=MemberRead,
            has_version=True,
            refusals=missing,
        ),
        Operation(
            method="PUT",
            path=path,
            name="putMember",
            summary="Add a member, or update their access",
            permission=Permission.ADMINISTRATOR,
            handler=members.put,
            body=MembershipWrite,
            answer=MemberRead,
            condition=Condition.PUT,
            refusals=(*missing, PermissionSetNotFound),
        ),
        Operation(
            method="DELETE",
            path=path,
            name="removeMember",
            summary="Remove a member",
            permission=Permission.ADMINISTRATOR,
            handler=members.remove,
            status=HTTPStatus.NO_CONTENT,
            condition=Condition.CHANGE,
            refusals=missing,
        ),
    ]
