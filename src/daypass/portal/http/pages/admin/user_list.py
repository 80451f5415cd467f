"""The list of users, with creation and deletion."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from starlette.responses import Response
from starlette.routing import BaseRoute

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.model import TenantQuery, TenantRecord, UserQuery, UserRecord, UserSort, Version
from daypass.portal.errors import InvalidRequest, PermissionSetNotFound, TenantNotFound
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.problems import status_of
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.forms import Form
from daypass.portal.http.layout.redirects import redirect
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.admin.listing import ListQuery, total
from daypass.portal.http.pages.admin.permission_sets.choice import SetChoice, chosen_set
from daypass.portal.http.services import Services
from daypass.portal.identity.model import Role, UserKind
from daypass.portal.identity.reauthentication import require_recent_authentication
from daypass.portal.secret import Secret
from daypass.portal.storage.pagination import PageRequest
from daypass.portal.tenants.model import Tenant

ADDRESS = "/administrator/users"
DELETE = "/administrator/delete-user"

_SUGGESTED = 25
_KINDS = {"": "All", UserKind.PERSON.value: "People", UserKind.SERVICE.value: "Service accounts"}
"""The label of each value of the filter by kind."""
_PASSWORD, _PROVIDER, _NONE = "password", "provider", "none"
"""The values of the field *Sign-in*."""

_PASSWORD_BYTES = 15


@dataclass(frozen=True, slots=True)
class OneTimeSecret:
    """A secret that is shown once, to the Administrator who created it."""

    title: str
    subject: str
    note: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class UsersPage:
    """The data of the list."""

    rows: Sequence[UserRecord]
    total: str
    listing: ListQuery
    following: str
    suggested: Sequence[TenantRecord]
    """Tenants to select for a new user."""
    sets: SetChoice
    form: Form
    """The submitted values, if the pane is shown again with an error."""
    error: str
    new_secret: OneTimeSecret | None
    has_providers: bool
    """Whether people can sign in at an identity provider."""

    @property
    def kinds(self) -> Sequence[tuple[str, str]]:
        """The label and the address of the list of each kind."""
        return [(label, self.listing.filtered("kind", kind)) for kind, label in _KINDS.items()]

    @property
    def kind(self) -> str:
        """The label of the kind that is listed."""
        return _KINDS[self.listing.filters.get("kind", "")]

    @property
    def sign_ins(self) -> Sequence[tuple[str, str]]:
        """The value and the label of each choice of *Sign-in*."""
        choices = [
            (_PASSWORD, "Password (generated and shown once)"),
            (_PROVIDER, "At an identity provider (no password)"),
            (_NONE, "None (service account with tokens)"),
        ]
        return [choice for choice in choices if self.has_providers or choice[0] != _PROVIDER]


@dataclass(frozen=True, slots=True)
class UserPages:
    """Handlers of the list of users."""

    pages: PageRenderer
    administration: Administration

    def listed(self, visit: PageVisit) -> Response:
        """Show a page of users."""
        return self._answer(visit)

    def create(self, visit: PageVisit) -> Response:
        """Create a user; the first password, if any, is shown once."""
        form = visit.form
        sign_in = form.get("sign_in")
        password = new_password() if sign_in == _PASSWORD else None
        kind = UserKind.PERSON if sign_in == _PROVIDER else None
        try:
            role = read_role(form)
            # Looked up before the user is created: a tenant or set may have been deleted since the page was
            # shown, and a refusal afterwards would leave a user whose password was never shown.
            tenants = [self.administration.tenants.find(id_).tenant for id_ in form.all("tenants")]
            permission_set = self.administration.permission_sets.find(chosen_set(form)).permission_set.name
            if tenants:
                # Checked before the user is created, because adding tenants requires it, too.
                require_recent_authentication(visit.caller.token, visit.layout.now)
            created = self.administration.users.create(
                form.get("username"), role, password, visit.caller, kind=kind
            )
            self._add_tenants(visit, created, tenants, permission_set)
        except (InvalidRequest, TenantNotFound, PermissionSetNotFound) as refusal:
            return self._answer(visit, status_of(refusal), error=refusal.reason)
        if kind is UserKind.PERSON:
            notice = f"{created.user.username} is created. Link their account at the identity provider."
            return redirect(f"{ADDRESS}/{created.user.id}/sign-in-methods", notice)
        if password is None:
            notice = f"{created.user.username} is created without a password. Create a token for it."
            return redirect(f"{ADDRESS}/{created.user.id}", notice)
        # No redirect, because the password would have to be kept until the next request.
        return self._answer(visit, new_secret=first_password(created.user.username, password))

    def delete(self, visit: PageVisit) -> Response:
        """Delete a user by id; raises `InvalidRequest` unless the username was typed."""
        record = self.administration.users.find(visit.form.get("id"))
        if visit.form.get("typed") != record.user.username:
            raise InvalidRequest(f"Type “{record.user.username}” to delete that user. Nothing was changed.")
        self.administration.users.delete(record.user.id, visit.caller, Version(record.version))
        return redirect(
            ADDRESS, f"{record.user.username} is deleted, with every session, token and approval."
        )

    def _add_tenants(
        self, visit: PageVisit, created: UserRecord, tenants: Sequence[Tenant], permission_set: str
    ) -> None:
        for tenant in tenants:
            self.administration.members.put(tenant.id, created.user.id, permission_set, visit.caller)

    def _answer(
        self,
        visit: PageVisit,
        status: HTTPStatus = HTTPStatus.OK,
        *,
        error: str = "",
        new_secret: OneTimeSecret | None = None,
    ) -> Response:
        kinds = {"kind": [kind.value for kind in UserKind]}
        listing = ListQuery.of(visit.query, ADDRESS, [sort.value for sort in UserSort], kinds)
        kind = listing.filters.get("kind")
        query = UserQuery(
            search=listing.search,
            kind=None if kind is None else UserKind(kind),
            sort=UserSort(listing.sort),
            is_descending=listing.is_descending,
        )
        result = self.administration.users.page(query, listing.page_request)
        page = UsersPage(
            rows=result.records,
            total=total(result, listing, lambda: self.administration.users.count(query)),
            listing=listing,
            following=listing.following(result.next_cursor),
            suggested=self.administration.tenants.page(TenantQuery(), PageRequest(limit=_SUGGESTED)).records,
            sets=SetChoice.of(self.administration.permission_sets, visit.form if error else Form({})),
            form=visit.form if error else Form({}),
            error=error,
            new_secret=new_secret,
            has_providers=bool(self.administration.identities.methods.providers),
        )
        return self.pages.show(visit.layout, "pages/admin/users.html", page, status)


def new_password() -> Secret:
    """Return a random password."""
    return Secret(secrets.token_urlsafe(_PASSWORD_BYTES))


def first_password(username: str, password: Secret) -> OneTimeSecret:
    """Return a new password with its text, for the page that shows it once."""
    text = f"Send it to {username} over a secure channel. It will not be shown again."
    return OneTimeSecret("Password", username, text, password.reveal())


def read_role(form: Form) -> Role:
    """Return the selected role; raises `InvalidRequest` if there is none."""
    try:
        return Role(form.get("role"))
    except ValueError as error:
        raise InvalidRequest("Select a Role.") from error


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""
    administrator = services.page_routes(Permission.ADMINISTRATOR)
    pages = UserPages(services.pages, services.administration)
    return [
        administrator.page(ADDRESS, pages.listed),
        administrator.form(ADDRESS, pages.create),
        administrator.form(DELETE, pages.delete),
    ]
