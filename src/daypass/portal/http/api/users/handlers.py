"""The API calls about users, for Administrators."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import Response

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.model import UserQuery, UserRecord
from daypass.portal.admin.users.service_descriptions import ServiceDescription
from daypass.portal.errors import (
    AlreadyExists,
    BreakGlassProtected,
    InvalidRequest,
    LastAdministrator,
    UserNotFound,
)
from daypass.portal.http.api.codec import answer_with, read_body, read_query
from daypass.portal.http.api.etags import expected, tagged
from daypass.portal.http.api.operation import Condition, Operation
from daypass.portal.http.api.schema import UserRef
from daypass.portal.http.api.users import schemas
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.endpoints import ApiRequest, answer_nothing
from daypass.portal.http.layout.redirects import RECOVERY_PAGE
from daypass.portal.http.services import Services
from daypass.portal.identity.model import Role, User, UserKind
from daypass.portal.secret import Secret


@dataclass(frozen=True, slots=True)
class Users:
    """The handlers of calls about users."""

    administration: Administration
    public_url: str

    def list_all(self, request: ApiRequest) -> Response:
        """Return a page of users."""
        query = read_query(schemas.UsersQuery, dict(request.query))
        user_query = UserQuery(
            query.search, query.role, query.disabled, query.kind, query.sort, query.descending
        )
        page = self.administration.users.page(user_query, query.page_request)
        answer = schemas.UserPage(
            users=[represent_user(record) for record in page.records], next_cursor=page.next_cursor
        )
        return answer_with(answer)

    def show(self, request: ApiRequest) -> Response:
        """Return one user."""
        return _user(self.administration.users.find(request.path["user"]))

    def create(self, request: ApiRequest) -> Response:
        """Create a user."""
        body = read_body(schemas.UserCreate, request.body)
        password = None if body.password is None else Secret(body.password.get_secret_value())
        created = self.administration.users.create(
            body.username,
            Role(body.role),
            password,
            request.caller,
            kind=None if body.kind is None else UserKind(body.kind),
            description=_new_description(body),
        )
        return _user(created, HTTPStatus.CREATED)

    def update(self, request: ApiRequest) -> Response:
        """Update a user."""
        body = read_body(schemas.UserPatch, request.body)
        changed = self.administration.users.update(
            request.path["user"],
            request.caller,
            role=None if body.role is None else Role(body.role),
            is_disabled=body.disabled,
            description=self._changed_description(request.path["user"], body),
            expected=expected(request),
        )
        return _user(changed)

    def _changed_description(self, user: str, body: schemas.UserPatch) -> ServiceDescription | None:
        """Return the description with the fields of *body*; omitted ones stay as they are."""
        if body.owner is None and body.description is None:
            return None
        now = self.administration.users.find(user)
        owner = now.owner or "" if body.owner is None else body.owner
        return ServiceDescription(owner, now.description if body.description is None else body.description)

    def set_password(self, request: ApiRequest) -> Response:
        """Set a user's password."""
        body = read_body(schemas.PasswordWrite, request.body)
        password = Secret(body.password.get_secret_value())
        return _user(
            self.administration.users.set_password(
                request.path["user"], password, request.caller, expected(request)
            )
        )

    def make_recovery_link(self, request: ApiRequest) -> Response:
        """Make a recovery link for a user's passkeys."""
        link = self.administration.recovery_links.create(request.path["user"], request.caller)
        url = f"{self.public_url}{RECOVERY_PAGE}#{link.secret.reveal()}"
        answer = schemas.RecoveryLinkRead(url=url, expires_at=link.expires_at)
        return answer_with(answer, HTTPStatus.CREATED)

    def delete(self, request: ApiRequest) -> Response:
        """Delete a user."""
        self.administration.users.delete(request.path["user"], request.caller, expected(request))
        return answer_nothing()


def _new_description(body: schemas.UserCreate) -> ServiceDescription | None:
    if body.owner is None and body.description is None:
        return None
    return ServiceDescription(body.owner or "", body.description or "")


def user_ref(user: User) -> UserRef:
    """Return a reference to a user."""
    return UserRef(id=user.id, username=user.username)


def represent_user(record: UserRecord) -> schemas.UserRead:
    """Return the API's representation of a user."""
    return schemas.UserRead(
        id=record.user.id,
        username=record.user.username,
        role=record.user.role,
        assigned_role=record.assigned_role,
        administrator_group=record.administrator_group,
        disabled=record.is_disabled,
        has_password=record.has_password,
        created_at=record.created_at,
        last_sign_in_at=record.last_sign_in_at,
        kind=record.user.kind,
        owner=record.owner,
        description=record.description,
        version=record.version,
    )


def _user(record: UserRecord, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return tagged(answer_with(represent_user(record), status), record.version)


def operations(services: Services) -> Sequence[Operation]:
    """Return the operations."""
    users = Users(services.administration, services.config.public_url)
    return [
        Operation(
            method="GET",
            path="/users",
            name="users",
            summary="List users",
            permission=Permission.ADMINISTRATOR,
            handler=users.list_all,
            query=schemas.UsersQuery,
            answer=schemas.UserPage,
        ),
        Operation(
            method="POST",
            path="/users",
            name="createUser",
            summary="Create a user",
            permission=Permission.ADMINISTRATOR,
            handler=users.create,
            body=schemas.UserCreate,
            answer=schemas.UserRead,
            status=HTTPStatus.CREATED,
            has_version=True,
            refusals=(AlreadyExists, UserNotFound),
        ),
        *_one_user(users),
        _recovery_link(users),
    ]


def _one_user(users: Users) -> Sequence[Operation]:
    path = "/users/{user}"
    return [
        Operation(
            method="GET",
            path=path,
            name="user",
            summary="Get a user",
            permission=Permission.ADMINISTRATOR,
            handler=users.show,
            answer=schemas.UserRead,
            has_version=True,
            refusals=(UserNotFound,),
        ),
        Operation(
            method="PATCH",
            path=path,
            name="updateUser",
            summary="Update a user",
            permission=Permission.ADMINISTRATOR,
            handler=users.update,
            body=schemas.UserPatch,
            answer=schemas.UserRead,
            condition=Condition.CHANGE,
            refusals=(UserNotFound, LastAdministrator, BreakGlassProtected),
        ),
        Operation(
            method="PUT",
            path=f"{path}/password",
            name="setPassword",
            summary="Set a user's password and end their sign-ins",
            permission=Permission.ADMINISTRATOR,
            handler=users.set_password,
            body=schemas.PasswordWrite,
            answer=schemas.UserRead,
            condition=Condition.CHANGE,
            refusals=(UserNotFound, BreakGlassProtected),
        ),
        Operation(
            method="DELETE",
            path=path,
            name="deleteUser",
            summary="Delete a user, with all sessions, tokens and consents",
            permission=Permission.ADMINISTRATOR,
            handler=users.delete,
            status=HTTPStatus.NO_CONTENT,
            condition=Condition.CHANGE,
            refusals=(UserNotFound, LastAdministrator, BreakGlassProtected),
        ),
    ]


def _recovery_link(users: Users) -> Operation:
    return Operation(
        method="POST",
        path="/users/{user}/recovery-link",
        name="makeRecoveryLink",
        summary="Make a link with which a user registers a new passkey",
        permission=Permission.ADMINISTRATOR,
        handler=users.make_recovery_link,
        answer=schemas.RecoveryLinkRead,
        status=HTTPStatus.CREATED,
        refusals=(UserNotFound, InvalidRequest, BreakGlassProtected),
    )
