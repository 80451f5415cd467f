"""The list of users: who there is, one more, and the end of one."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import Response

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.model import TenantRecord, UserRecord, UserSort, Version
from daypass.portal.admin.tenants.store.tenants import TenantQuery
from daypass.portal.admin.users.store.users import UserQuery
from daypass.portal.errors import InvalidRequest
from daypass.portal.http.core.problems import status_of
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.forms import Form
from daypass.portal.http.layout.redirects import redirect
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.admin.listing import ListQuery, total
from daypass.portal.identity.browser_sessions import require_recent_authentication
from daypass.portal.identity.model import Role
from daypass.portal.secret import Secret
from daypass.portal.storage.pagination import PageRequest
from daypass.portal.tenants.model import Access

ADDRESS = "/administrator/users"
DELETE = "/administrator/delete-user"

_OFFERED = 25
_PASSWORD_BYTES = 15


@dataclass(frozen=True, slots=True)
class OneTimeSecret:
    """What is shown once, to whoever made it."""

    title: str
    of: str
    says: str
    text: str


@dataclass(frozen=True, slots=True)
class UsersPage:
    """What the list shows."""

    rows: Sequence[UserRecord]
    total: str
    listing: ListQuery
    following: str
    offered: Sequence[TenantRecord]
    """Tenants that a new user may be put into at once."""
    form: Form
    """What was typed, where the pane opens once more."""
    wrong: str
    made: OneTimeSecret | None


@dataclass(frozen=True, slots=True)
class UserPages:
    """The list of users."""

    pages: PageRenderer
    administration: Administration

    def listed(self, visit: PageVisit) -> Response:
        """A page of users."""
        return self._answer(visit)

    def create(self, visit: PageVisit) -> Response:
        """Add a user; a person's first password is shown this once."""
        form = visit.form
        password = new_password() if form.get("sign_in") == "password" else None
        try:
            role = read_role(form)
            if form.all("tenants"):
                # Here rather than half way, with the user made and the tenants not.
                require_recent_authentication(visit.caller.token, visit.frame.now)
            made = self.administration.users.create(form.get("username"), role, password, visit.caller)
            self._let_in(visit, made)
        except InvalidRequest as refusal:
            return self._answer(visit, status_of(refusal), wrong=refusal.reason)
        if password is None:
            says = f"{made.user.username} is there, and signs in nowhere: make a token for it."
            return redirect(f"{ADDRESS}/{made.user.id}", says)
        return self._answer(visit, made=first_password(made.user.username, password))

    def delete(self, visit: PageVisit) -> Response:
        """End a user, by id and by the name as typed."""
        record = self.administration.users.find(visit.form.get("id"))
        if visit.form.get("typed") != record.user.username:
            raise InvalidRequest(f"Type “{record.user.username}” to delete that user. Nothing was changed.")
        self.administration.users.delete(record.user.id, visit.caller, Version(record.version))
        return redirect(
            ADDRESS, f"{record.user.username} is deleted, with every session, token and approval."
        )

    def _let_in(self, visit: PageVisit, made: UserRecord) -> None:
        access = Access.READ_ONLY if visit.form.has("read_only") else Access.FULL
        for tenant in visit.form.all("tenants"):
            self.administration.members.put(tenant, made.user.id, access, visit.caller)

    def _answer(
        self,
        visit: PageVisit,
        status: HTTPStatus = HTTPStatus.OK,
        *,
        wrong: str = "",
        made: OneTimeSecret | None = None,
    ) -> Response:
        listing = ListQuery.of(visit.query, ADDRESS, [sort.value for sort in UserSort])
        query = UserQuery(
            search=listing.search, sort=UserSort(listing.sort), is_descending=listing.is_descending
        )
        found = self.administration.users.page(query, listing.turn)
        page = UsersPage(
            rows=found.records,
            total=total(found, listing, lambda: self.administration.users.count(query)),
            listing=listing,
            following=listing.following(found.next_cursor),
            offered=self.administration.tenants.page(TenantQuery(), PageRequest(limit=_OFFERED)).records,
            form=visit.form if wrong else Form({}),
            wrong=wrong,
            made=made,
        )
        return self.pages.show(visit.frame, "pages/admin/users.html", page, status)


def new_password() -> Secret:
    """A password that nobody has thought of."""
    return Secret(secrets.token_urlsafe(_PASSWORD_BYTES))


def first_password(username: str, password: Secret) -> OneTimeSecret:
    """A new password, for the one page that shows it."""
    says = f"Give it to {username} by a way that you trust. It is shown this once."
    return OneTimeSecret("Password", username, says, password.reveal())


def read_role(form: Form) -> Role:
    """The role that was selected."""
    try:
        return Role(form.get("role"))
    except ValueError as error:
        raise InvalidRequest("Select a Role.") from error
