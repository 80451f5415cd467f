"""Users and their memberships, for Administrators."""

from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import Response

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.imports.service import ImportedUser
from daypass.portal.admin.model import MemberRecord, UserRecord
from daypass.portal.admin.users.store.users import UserQuery
from daypass.portal.http.api.etags import expected, expected_or_none, tagged
from daypass.portal.http.api.schemas import admin as wire
from daypass.portal.http.api.schemas.member import UserRef, answer_with, read_body, read_query
from daypass.portal.http.core.endpoints import ApiRequest, answer_nothing
from daypass.portal.identity.model import Role, User
from daypass.portal.secret import Secret
from daypass.portal.storage.pagination import PageRequest
from daypass.portal.tenants.model import Access


@dataclass(frozen=True, slots=True)
class Users:
    """The calls about users."""

    all_: Administration

    def listed(self, call: ApiRequest) -> Response:
        """A page of users."""
        asked = read_query(wire.UsersQuery, dict(call.query))
        query = UserQuery(asked.search, asked.role, asked.disabled, asked.sort, asked.descending)
        page = self.all_.users.page(query, PageRequest(asked.cursor, asked.limit))
        answer = wire.UserPage(users=[user_facts(one) for one in page.records], next_cursor=page.next_cursor)
        return answer_with(answer)

    def shown(self, call: ApiRequest) -> Response:
        """One user."""
        return _user(self.all_.users.find(call.path["user"]))

    def created(self, call: ApiRequest) -> Response:
        """Add one."""
        asked = read_body(wire.UserCreate, call.body)
        password = None if asked.password is None else Secret(asked.password.get_secret_value())
        made = self.all_.users.create(asked.username, Role(asked.role), password, call.caller)
        return _user(made, HTTPStatus.CREATED)

    def updated(self, call: ApiRequest) -> Response:
        """Change one."""
        asked = read_body(wire.UserPatch, call.body)
        changed = self.all_.users.update(
            call.path["user"],
            call.caller,
            role=None if asked.role is None else Role(asked.role),
            is_disabled=asked.disabled,
            expected=expected(call),
        )
        return _user(changed)

    def password_set(self, call: ApiRequest) -> Response:
        """Give one another password."""
        asked = read_body(wire.PasswordWrite, call.body)
        password = Secret(asked.password.get_secret_value())
        return _user(self.all_.users.set_password(call.path["user"], password, call.caller, expected(call)))

    def deleted(self, call: ApiRequest) -> Response:
        """End one."""
        self.all_.users.delete(call.path["user"], call.caller, expected(call))
        return answer_nothing()

    def imported(self, call: ApiRequest) -> Response:
        """Take a table."""
        asked = read_body(wire.ImportCreate, call.body)
        imports = self.all_.imports
        lines = imports.plan(asked.csv) if asked.dry_run else imports.run(asked.csv, call.caller)
        answer = wire.ImportResult(done=not asked.dry_run, lines=[_line(one) for one in lines])
        return answer_with(answer)

    def memberships(self, call: ApiRequest) -> Response:
        """All tenants of one user."""
        members = self.all_.users.memberships(call.path["user"])
        answer = wire.MemberPage(memberships=[_facts(one) for one in members], next_cursor=None)
        return answer_with(answer)


@dataclass(frozen=True, slots=True)
class Members:
    """The calls about memberships."""

    all_: Administration

    def listed(self, call: ApiRequest) -> Response:
        """A page of all memberships."""
        asked = read_query(wire.PageQuery, dict(call.query))
        page = self.all_.members.page(PageRequest(asked.cursor, asked.limit)).each(_facts)
        answer = wire.MemberPage(memberships=list(page.records), next_cursor=page.next_cursor)
        return answer_with(answer)

    def of_tenant(self, call: ApiRequest) -> Response:
        """A page of one tenant's members."""
        asked = read_query(wire.PeopleQuery, dict(call.query))
        turn = PageRequest(asked.cursor, asked.limit)
        page = self.all_.members.of_tenant(call.path["tenant"], turn, asked.search).each(_facts)
        answer = wire.MemberPage(memberships=list(page.records), next_cursor=page.next_cursor)
        return answer_with(answer)

    def shown(self, call: ApiRequest) -> Response:
        """One membership."""
        return _member(self.all_.members.find(call.path["tenant"], call.path["user"]))

    def put(self, call: ApiRequest) -> Response:
        """Make somebody a member, or change how much they may use."""
        asked = read_body(wire.MembershipWrite, call.body)
        where, who = call.path["tenant"], call.path["user"]
        access = Access(asked.access)
        return _member(self.all_.members.put(where, who, access, call.caller, expected_or_none(call)))

    def removed(self, call: ApiRequest) -> Response:
        """End a membership."""
        self.all_.members.remove(call.path["tenant"], call.path["user"], call.caller, expected(call))
        return answer_nothing()


def user_ref(user: User) -> UserRef:
    """A user, named."""
    return UserRef(id=user.id, username=user.username)


def user_facts(record: UserRecord) -> wire.UserRead:
    """A user, in full."""
    return wire.UserRead(
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
    return tagged(answer_with(user_facts(record), status), record.version)


def _member(record: MemberRecord) -> Response:
    return tagged(answer_with(_facts(record)), record.version)


def _facts(record: MemberRecord) -> wire.MemberRead:
    return wire.MemberRead(
        tenant=record.tenant.name,
        tenant_id=record.tenant.id,
        username=record.user.username,
        user_id=record.user.id,
        access=record.access,
        since=record.since,
        version=record.version,
    )


def _line(one: ImportedUser) -> wire.ImportedLine:
    return wire.ImportedLine(
        line=one.line,
        username=one.username,
        role=one.role,
        new=one.is_new,
        old_role=one.old_role,
        memberships=dict(one.memberships),
        problem=one.problem,
    )
