"""The API calls about users and memberships, for Administrators."""

from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import Response

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.imports.service import ImportedUser
from daypass.portal.admin.model import MemberRecord, UserQuery, UserRecord
from daypass.portal.http.api.etags import expected, expected_or_none, tagged
from daypass.portal.http.api.schemas import admin as schemas
from daypass.portal.http.api.schemas.member import UserRef, answer_with, read_body, read_query
from daypass.portal.http.api.schemas.pagination import PageQuery
from daypass.portal.http.core.endpoints import ApiRequest, answer_nothing
from daypass.portal.identity.model import Role, User
from daypass.portal.secret import Secret
from daypass.portal.tenants.model import Access


@dataclass(frozen=True, slots=True)
class Users:
    """The handlers of calls about users."""

    administration: Administration

    def list_all(self, request: ApiRequest) -> Response:
        """Return a page of users."""
        query = read_query(schemas.UsersQuery, dict(request.query))
        user_query = UserQuery(query.search, query.role, query.disabled, query.sort, query.descending)
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
        created = self.administration.users.create(body.username, Role(body.role), password, request.caller)
        return _user(created, HTTPStatus.CREATED)

    def update(self, request: ApiRequest) -> Response:
        """Update a user."""
        body = read_body(schemas.UserPatch, request.body)
        changed = self.administration.users.update(
            request.path["user"],
            request.caller,
            role=None if body.role is None else Role(body.role),
            is_disabled=body.disabled,
            expected=expected(request),
        )
        return _user(changed)

    def set_password(self, request: ApiRequest) -> Response:
        """Set a user's password."""
        body = read_body(schemas.PasswordWrite, request.body)
        password = Secret(body.password.get_secret_value())
        return _user(
            self.administration.users.set_password(
                request.path["user"], password, request.caller, expected(request)
            )
        )

    def delete(self, request: ApiRequest) -> Response:
        """Delete a user."""
        self.administration.users.delete(request.path["user"], request.caller, expected(request))
        return answer_nothing()

    def run_import(self, request: ApiRequest) -> Response:
        """Import users from CSV, or check the import."""
        body = read_body(schemas.ImportCreate, request.body)
        imports = self.administration.imports
        lines = imports.plan(body.csv) if body.dry_run else imports.run(body.csv, request.caller)
        answer = schemas.ImportResult(done=not body.dry_run, lines=[_line(line) for line in lines])
        return answer_with(answer)

    def memberships(self, request: ApiRequest) -> Response:
        """Return all memberships of a user."""
        members = self.administration.users.memberships(request.path["user"])
        answer = schemas.MemberPage(memberships=[_represent(member) for member in members], next_cursor=None)
        return answer_with(answer)


@dataclass(frozen=True, slots=True)
class Members:
    """The handlers of calls about memberships."""

    administration: Administration

    def list_all(self, request: ApiRequest) -> Response:
        """Return a page of all memberships."""
        query = read_query(PageQuery, dict(request.query))
        page = self.administration.members.page(query.page_request).map(_represent)
        answer = schemas.MemberPage(memberships=list(page.records), next_cursor=page.next_cursor)
        return answer_with(answer)

    def of_tenant(self, request: ApiRequest) -> Response:
        """Return a page of a tenant's members."""
        query = read_query(schemas.PeopleQuery, dict(request.query))
        turn = query.page_request
        page = self.administration.members.of_tenant(request.path["tenant"], turn, query.search).map(
            _represent
        )
        answer = schemas.MemberPage(memberships=list(page.records), next_cursor=page.next_cursor)
        return answer_with(answer)

    def show(self, request: ApiRequest) -> Response:
        """Return one membership."""
        return _member(self.administration.members.find(request.path["tenant"], request.path["user"]))

    def put(self, request: ApiRequest) -> Response:
        """Add a member to a tenant, or update their access."""
        body = read_body(schemas.MembershipWrite, request.body)
        tenant, user = request.path["tenant"], request.path["user"]
        access = Access(body.access)
        return _member(
            self.administration.members.put(tenant, user, access, request.caller, expected_or_none(request))
        )

    def remove(self, request: ApiRequest) -> Response:
        """Remove a member from a tenant."""
        self.administration.members.remove(
            request.path["tenant"], request.path["user"], request.caller, expected(request)
        )
        return answer_nothing()


def user_ref(user: User) -> UserRef:
    """Return a reference to a user."""
    return UserRef(id=user.id, username=user.username)


def represent_user(record: UserRecord) -> schemas.UserRead:
    """Return the API's representation of a user."""
    return schemas.UserRead(
        id=record.user.id,
        username=record.user.username,
        role=record.user.role,
        disabled=record.is_disabled,
        has_password=record.has_password,
        created_at=record.created_at,
        last_sign_in_at=record.last_sign_in_at,
        version=record.version,
    )


def _user(record: UserRecord, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return tagged(answer_with(represent_user(record), status), record.version)


def _member(record: MemberRecord) -> Response:
    return tagged(answer_with(_represent(record)), record.version)


def _represent(record: MemberRecord) -> schemas.MemberRead:
    return schemas.MemberRead(
        tenant=record.tenant.name,
        tenant_id=record.tenant.id,
        username=record.user.username,
        user_id=record.user.id,
        access=record.access,
        since=record.since,
        version=record.version,
    )


def _line(imported: ImportedUser) -> schemas.ImportedLine:
    return schemas.ImportedLine(
        line=imported.line,
        username=imported.username,
        role=imported.role,
        new=imported.is_new,
        old_role=imported.old_role,
        memberships=dict(imported.memberships),
        problem=imported.problem,
    )
