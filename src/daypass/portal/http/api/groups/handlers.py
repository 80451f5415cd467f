"""The API calls about groups and their members, for Administrators."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import Response

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.groups.model import GroupQuery, GroupRecord
from daypass.portal.admin.groups.service import GroupDefinition
from daypass.portal.errors import (
    AlreadyExists,
    GroupNotFound,
    GroupReadOnly,
    LastAdministrator,
    MembershipNotFound,
    UserNotFound,
)
from daypass.portal.groups.model import GroupMember
from daypass.portal.http.api.codec import answer_with, read_body, read_query
from daypass.portal.http.api.etags import expected, tagged
from daypass.portal.http.api.groups import schemas
from daypass.portal.http.api.operation import Condition, Operation
from daypass.portal.http.api.schema import PeopleQuery
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.endpoints import ApiRequest, answer_nothing
from daypass.portal.http.services import Services


@dataclass(frozen=True, slots=True)
class Groups:
    """The handlers of calls about groups and their members."""

    administration: Administration

    def list_all(self, request: ApiRequest) -> Response:
        """Return a page of groups."""
        query = read_query(schemas.GroupsQuery, dict(request.query))
        wanted = GroupQuery(query.search, query.source, query.provider)
        page = self.administration.groups.page(wanted, query.page_request)
        groups = [_represent(record) for record in page.records]
        return answer_with(schemas.GroupPage(groups=groups, next_cursor=page.next_cursor))

    def of_user(self, request: ApiRequest) -> Response:
        """Return all groups of a user."""
        found = self.administration.groups.of_user(request.path["user"])
        return answer_with(schemas.GroupList(groups=[_represent(record) for record in found]))

    def show(self, request: ApiRequest) -> Response:
        """Return one group."""
        return _group(self.administration.groups.find(request.path["group"]))

    def create(self, request: ApiRequest) -> Response:
        """Create a group."""
        body = read_body(schemas.GroupCreate, request.body)
        definition = GroupDefinition(
            body.name, body.description, body.provider, body.value, body.makes_administrators
        )
        created = self.administration.groups.create(definition, request.caller)
        return _group(created, HTTPStatus.CREATED)

    def update(self, request: ApiRequest) -> Response:
        """Update a group."""
        body = read_body(schemas.GroupPatch, request.body)
        changed = self.administration.groups.update(
            request.path["group"],
            request.caller,
            name=body.name,
            description=body.description,
            makes_administrators=body.makes_administrators,
            expected=expected(request),
        )
        return _group(changed)

    def delete(self, request: ApiRequest) -> Response:
        """Delete a group."""
        self.administration.groups.delete(request.path["group"], request.caller, expected(request))
        return answer_nothing()

    def members(self, request: ApiRequest) -> Response:
        """Return a page of a group's members."""
        query = read_query(PeopleQuery, dict(request.query))
        page = self.administration.group_members.page(request.path["group"], query.page_request, query.search)
        members = [_represent_member(member) for member in page.records]
        return answer_with(schemas.GroupMemberPage(members=members, next_cursor=page.next_cursor))

    def add_member(self, request: ApiRequest) -> Response:
        """Add a member to a local group."""
        added = self.administration.group_members.add(
            request.path["group"], request.path["user"], request.caller
        )
        return answer_with(_represent_member(added))

    def remove_member(self, request: ApiRequest) -> Response:
        """Remove a member of a local group."""
        self.administration.group_members.remove(request.path["group"], request.path["user"], request.caller)
        return answer_nothing()


def _group(record: GroupRecord, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return tagged(answer_with(_represent(record), status), record.version)


def _represent(record: GroupRecord) -> schemas.GroupRead:
    group = record.group
    return schemas.GroupRead(
        id=group.id,
        name=group.name,
        source=group.source,
        provider=group.provider,
        value=group.external_id,
        description=group.description,
        makes_administrators=group.makes_administrators,
        members=record.members,
        memberships=record.memberships,
        last_matched_at=record.last_matched_at,
        created_at=record.created_at,
        updated_at=record.updated_at,
        version=record.version,
    )


def _represent_member(member: GroupMember) -> schemas.GroupMemberRead:
    user = member.user
    return schemas.GroupMemberRead(id=user.id, username=user.username, added_at=member.added_at)


def operations(services: Services) -> Sequence[Operation]:
    """Return the operations."""
    groups = Groups(services.administration)
    return [
        Operation(
            method="GET",
            path="/groups",
            name="groups",
            summary="List groups",
            permission=Permission.ADMINISTRATOR,
            handler=groups.list_all,
            query=schemas.GroupsQuery,
            answer=schemas.GroupPage,
        ),
        Operation(
            method="POST",
            path="/groups",
            name="createGroup",
            summary="Create a group",
            permission=Permission.ADMINISTRATOR,
            handler=groups.create,
            body=schemas.GroupCreate,
            answer=schemas.GroupRead,
            status=HTTPStatus.CREATED,
            has_version=True,
            refusals=(AlreadyExists,),
        ),
        Operation(
            method="GET",
            path="/users/{user}/groups",
            name="userGroups",
            summary="List a user's groups",
            permission=Permission.ADMINISTRATOR,
            handler=groups.of_user,
            answer=schemas.GroupList,
            refusals=(UserNotFound,),
        ),
        *_one_group(groups),
        *_members(groups),
    ]


def _one_group(groups: Groups) -> Sequence[Operation]:
    return [
        Operation(
            method="GET",
            path="/groups/{group}",
            name="group",
            summary="Get a group",
            permission=Permission.ADMINISTRATOR,
            handler=groups.show,
            answer=schemas.GroupRead,
            has_version=True,
            refusals=(GroupNotFound,),
        ),
        Operation(
            method="PATCH",
            path="/groups/{group}",
            name="updateGroup",
            summary="Update a group",
            permission=Permission.ADMINISTRATOR,
            handler=groups.update,
            body=schemas.GroupPatch,
            answer=schemas.GroupRead,
            condition=Condition.CHANGE,
            refusals=(GroupNotFound, AlreadyExists, LastAdministrator),
        ),
        Operation(
            method="DELETE",
            path="/groups/{group}",
            name="deleteGroup",
            summary="Delete a group, with the memberships that it gives",
            permission=Permission.ADMINISTRATOR,
            handler=groups.delete,
            status=HTTPStatus.NO_CONTENT,
            condition=Condition.CHANGE,
            refusals=(GroupNotFound, LastAdministrator),
        ),
    ]


def _members(groups: Groups) -> Sequence[Operation]:
    return [
        Operation(
            method="GET",
            path="/groups/{group}/members",
            name="groupMembers",
            summary="List members of a group",
            permission=Permission.ADMINISTRATOR,
            handler=groups.members,
            query=PeopleQuery,
            answer=schemas.GroupMemberPage,
            refusals=(GroupNotFound,),
        ),
        Operation(
            method="PUT",
            path="/groups/{group}/members/{user}",
            name="addGroupMember",
            summary="Add a member to a local group",
            permission=Permission.ADMINISTRATOR,
            handler=groups.add_member,
            answer=schemas.GroupMemberRead,
            refusals=(GroupNotFound, UserNotFound, MembershipNotFound, GroupReadOnly),
        ),
        Operation(
            method="DELETE",
            path="/groups/{group}/members/{user}",
            name="removeGroupMember",
            summary="Remove a member of a local group",
            permission=Permission.ADMINISTRATOR,
            handler=groups.remove_member,
            status=HTTPStatus.NO_CONTENT,
            refusals=(GroupNotFound, UserNotFound, MembershipNotFound, GroupReadOnly),
        ),
    ]
