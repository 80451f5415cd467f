"""One user's page: details, and the tabs Tenant Access and Tokens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus

from starlette.responses import Response
from starlette.routing import BaseRoute

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.model import (
    MemberRecord,
    TenantQuery,
    TenantRecord,
    TokenRecord,
    UserRecord,
    Version,
)
from daypass.portal.errors import (
    InvalidRequest,
    LastAdministrator,
    PermissionSetNotFound,
    PreconditionFailed,
    TenantNotFound,
)
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.problems import status_of
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.redirects import RECOVERY_PAGE, redirect
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.admin.listing import ListQuery, total
from daypass.portal.http.pages.admin.permission_sets.choice import SetChoice, chosen_set
from daypass.portal.http.pages.admin.settings_form import require_text
from daypass.portal.http.pages.admin.user_list import (
    ADDRESS,
    OneTimeSecret,
    first_password,
    new_password,
    read_role,
)
from daypass.portal.http.pages.set_words import in_words
from daypass.portal.http.pages.token_kinds import LABELS
from daypass.portal.http.services import Services
from daypass.portal.identity.model import TokenKind, UserId
from daypass.portal.storage.pagination import PageRequest

_SUGGESTED = 100
_DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class UserPage:
    """The data of both tabs."""

    record: UserRecord
    reads_only: bool
    """Whether the user has full access to no tenant."""
    listing: ListQuery
    total: str
    following: str
    memberships: Sequence[MemberRecord] = ()
    tokens: Sequence[TokenRecord] = ()
    kind_of: Mapping[TokenKind, str] = field(default_factory=lambda: LABELS)
    """The label of each kind of token."""
    suggested: Sequence[TenantRecord] = ()
    """Suggested tenants; others can be typed."""
    by_groups: int = 0
    """The number of tenants that groups give now."""
    tenant: str = ""
    sets: SetChoice | None = None
    """The choice of a set for a new membership; None on the tab Tokens."""
    error_pane: str = ""
    """The pane that is open because of `error`."""
    error: str = ""
    new_secret: OneTimeSecret | None = None

    @property
    def address(self) -> str:
        """The address of the page."""
        return f"{ADDRESS}/{self.record.user.id}"


@dataclass(frozen=True, slots=True)
class UserDetailPages:
    """Handlers of one user's page."""

    pages: PageRenderer
    administration: Administration
    public_url: str

    def show(self, visit: PageVisit) -> Response:
        """Show the tab Tenant Access."""
        return self._access(visit)

    def show_tokens(self, visit: PageVisit) -> Response:
        """Show the tab Tokens."""
        return self._tokens(visit)

    def update(self, visit: PageVisit) -> Response:
        """Change the role, or enable or disable the user."""
        record, form = self._record(visit), visit.form
        try:
            changed = self.administration.users.update(
                record.user.id,
                visit.caller,
                role=read_role(form),
                is_disabled=form.get("state") == _DISABLED,
                expected=Version(form.get("version")),
            )
        except (InvalidRequest, LastAdministrator, PreconditionFailed) as refusal:
            return self._access(visit, status_of(refusal), error_pane="update", error=refusal.reason)
        return redirect(f"{ADDRESS}/{record.user.id}", f"{changed.user.username} is updated.")

    def set_password(self, visit: PageVisit) -> Response:
        """Generate a new password, and show it once."""
        record, password = self._record(visit), new_password()
        # Without a version: a new password replaces any other, whatever has changed since the page was shown.
        self.administration.users.set_password(record.user.id, password, visit.caller)
        return self._access(visit, new_secret=first_password(record.user.username, password))

    def make_recovery_link(self, visit: PageVisit) -> Response:
        """Make a recovery link for the user's passkeys, and show it once."""
        record = self._record(visit)
        try:
            link = self.administration.recovery_links.create(record.user.id, visit.caller)
        except InvalidRequest as refusal:
            return self._access(visit, status_of(refusal), error_pane="recovery", error=refusal.reason)
        note = (
            "Copy it now: it will not be shown again. Give it to the user in person or in a call, not by "
            "e-mail. It works once, within 30 minutes, and only after the user's password."
        )
        text = f"{self.public_url}{RECOVERY_PAGE}#{link.secret.reveal()}"
        made = OneTimeSecret("Recovery link", record.user.username, note, text)
        return self._access(visit, new_secret=made)

    def put_access(self, visit: PageVisit) -> Response:
        """Grant access to a tenant, or give the user another permission set in it."""
        record, form = self._record(visit), visit.form
        try:
            tenant = require_text(form.get("tenant"), "Select a tenant.")
            chosen = chosen_set(form)
            member = self.administration.members.put(tenant, record.user.id, chosen, visit.caller)
        except (InvalidRequest, TenantNotFound, PermissionSetNotFound) as refusal:
            return self._access(visit, status_of(refusal), error_pane="add", error=refusal.reason)
        granted = in_words(member.permission_set)
        return redirect(
            f"{ADDRESS}/{record.user.id}",
            f"{record.user.username} now has {granted} in {member.tenant.name}.",
        )

    def remove_access(self, visit: PageVisit) -> Response:
        """Remove the user's access to a tenant."""
        record = self._record(visit)
        self.administration.members.remove(visit.form.get("tenant"), record.user.id, visit.caller)
        return redirect(f"{ADDRESS}/{record.user.id}", "Access to the tenant is removed.")

    def create_token(self, visit: PageVisit) -> Response:
        """Create a permanent token for this user, and show it once."""
        record = self._record(visit)
        try:
            name = require_text(visit.form.get("name"), "Enter a Token Name.")
            secret, token = self.administration.tokens.create(record.user.id, name, visit.caller)
        except InvalidRequest as refusal:
            return self._tokens(visit, status_of(refusal), error=refusal.reason)
        text = f"Copy it now: it will not be shown again. It acts as {record.user.username} for one year."
        return self._tokens(
            visit, new_secret=OneTimeSecret("Token created", token.name, text, secret.reveal())
        )

    def revoke_token(self, visit: PageVisit) -> Response:
        """Revoke a token of this user."""
        record = self._record(visit)
        self.administration.tokens.revoke(visit.form.get("id"), visit.caller)
        return redirect(f"{ADDRESS}/{record.user.id}/tokens", "Token revoked.")

    def _record(self, visit: PageVisit) -> UserRecord:
        return self.administration.users.find(visit.path["user"])

    def _access(
        self,
        visit: PageVisit,
        status: HTTPStatus = HTTPStatus.OK,
        *,
        error_pane: str = "",
        error: str = "",
        new_secret: OneTimeSecret | None = None,
    ) -> Response:
        record, members = self._record(visit), self.administration.members
        user = record.user.id
        listing = ListQuery.of(visit.query, f"{ADDRESS}/{user}", ["tenant"])
        result = members.of_user(user, listing.page_request, listing.search)
        page = UserPage(
            record=record,
            reads_only=members.reads_only(user),
            listing=listing,
            total=total(result, listing, lambda: members.count_of_user(user, listing.search)),
            following=listing.following(result.next_cursor),
            memberships=result.records,
            suggested=self.administration.tenants.page(TenantQuery(), PageRequest(limit=_SUGGESTED)).records,
            by_groups=self._tenants_by_groups(user, visit.layout.now),
            tenant=visit.form.get("tenant"),
            sets=SetChoice.of(self.administration.permission_sets, visit.form),
            error_pane=error_pane,
            error=error,
            new_secret=new_secret,
        )
        return self.pages.show(visit.layout, "pages/admin/user-access.html", page, status)

    def _tenants_by_groups(self, user: UserId, now: datetime) -> int:
        given = self.administration.group_memberships.of_user(user)
        return len({each.tenant.id for each in given if each.ends_at is None or now < each.ends_at})

    def _tokens(
        self,
        visit: PageVisit,
        status: HTTPStatus = HTTPStatus.OK,
        *,
        error: str = "",
        new_secret: OneTimeSecret | None = None,
    ) -> Response:
        record = self._record(visit)
        tokens, user = self.administration.tokens, record.user.id
        listing = ListQuery.of(visit.query, f"{ADDRESS}/{user}/tokens", ["expires"])
        result = tokens.page(user, None, listing.page_request)
        page = UserPage(
            record=record,
            reads_only=self.administration.members.reads_only(user),
            listing=listing,
            total=total(result, listing, lambda: tokens.count(user)),
            following=listing.following(result.next_cursor),
            tokens=result.records,
            error_pane="create" if error else "",
            error=error,
            new_secret=new_secret,
        )
        return self.pages.show(visit.layout, "pages/admin/user-tokens.html", page, status)


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""
    administrator = services.page_routes(Permission.ADMINISTRATOR)
    pages = UserDetailPages(services.pages, services.administration, services.config.public_url)
    address = f"{ADDRESS}/{{user}}"
    return [
        administrator.page(address, pages.show),
        administrator.form(address, pages.put_access),
        administrator.form(f"{address}/remove", pages.remove_access),
        administrator.form(f"{address}/update", pages.update),
        administrator.form(f"{address}/password", pages.set_password),
        administrator.form(f"{address}/recovery-link", pages.make_recovery_link),
        administrator.page(f"{address}/tokens", pages.show_tokens),
        administrator.form(f"{address}/tokens", pages.create_token),
        administrator.form(f"{address}/tokens/revoke", pages.revoke_token),
    ]
