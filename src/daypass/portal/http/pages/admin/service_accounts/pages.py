"""The list of service accounts, with creation, and the workload rules of one.

Their memberships and tokens are on the page of the user.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import Response
from starlette.routing import BaseRoute

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.model import UserQuery, UserRecord, UserSort, Version, WorkloadRuleRecord
from daypass.portal.admin.users.service_descriptions import ServiceDescription
from daypass.portal.errors import (
    AlreadyExists,
    InvalidRequest,
    PortalError,
    PreconditionFailed,
    UserNotFound,
)
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.problems import status_of
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.forms import WHOLE, Form
from daypass.portal.http.layout.redirects import redirect
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.admin.listing import ListQuery, total
from daypass.portal.http.services import Services
from daypass.portal.identity.model import Role, UserKind
from daypass.portal.storage.pagination import PageRequest
from daypass.portal.workloads.model import RuleId

ADDRESS = "/administrator/service-accounts"

_SUGGESTED = 100
_FIELDS = ("username", "owner", "description")
_REFUSALS = (InvalidRequest, UserNotFound, AlreadyExists)

_NO_ERRORS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class AccountsPage:
    """The data of the list."""

    rows: Sequence[UserRecord]
    total: str
    listing: ListQuery
    following: str
    people: Sequence[UserRecord]
    """The suggested owners."""
    form: Form
    """The submitted values, if the pane is shown again with an error."""
    errors: Mapping[str, str]
    """The errors by the names of the fields; `WHOLE` is an error of no single field."""


@dataclass(frozen=True, slots=True)
class AccountPage:
    """The data of the page with the description and the rules of one account."""

    record: UserRecord
    rules: Sequence[WorkloadRuleRecord]
    not_allowed: Collection[RuleId]
    """The ids of the rules whose issuer is not allowed by the operator."""
    people: Sequence[UserRecord]
    form: Form
    errors: Mapping[str, str]

    @property
    def address(self) -> str:
        """The address of the page."""
        return f"{ADDRESS}/{self.record.user.id}"


@dataclass(frozen=True, slots=True)
class ServiceAccountPages:
    """Handlers of the pages about service accounts."""

    pages: PageRenderer
    administration: Administration

    def listed(self, visit: PageVisit) -> Response:
        """Show a page of service accounts."""
        return self._list(visit)

    def create(self, visit: PageVisit) -> Response:
        """Create a service account, and redirect to its page."""
        form = visit.form
        try:
            created = self.administration.users.create(
                form.get("username"),
                Role.USER,
                None,
                visit.caller,
                kind=UserKind.SERVICE,
                description=ServiceDescription(form.get("owner"), form.get("description")),
            )
        except _REFUSALS as refusal:
            return self._list(visit, status_of(refusal), _errors_of(refusal))
        return redirect(f"{ADDRESS}/{created.user.id}", f"{created.user.username} is created.")

    def show(self, visit: PageVisit) -> Response:
        """Show the description and the rules of one account."""
        return self._account(visit)

    def describe(self, visit: PageVisit) -> Response:
        """Change the owner and the description."""
        record, form = self._record(visit), visit.form
        try:
            changed = self.administration.users.update(
                record.user.id,
                visit.caller,
                description=ServiceDescription(form.get("owner"), form.get("description")),
                expected=Version(form.get("version")),
            )
        except (*_REFUSALS, PreconditionFailed) as refusal:
            return self._account(visit, status_of(refusal), _errors_of(refusal))
        return redirect(f"{ADDRESS}/{record.user.id}", f"{changed.user.username} is updated.")

    def _record(self, visit: PageVisit) -> UserRecord:
        record = self.administration.users.find(visit.path["user"])
        # A person's page is another one; without this a person could be given an owner.
        if record.user.kind is not UserKind.SERVICE:
            raise UserNotFound("There is no such service account.")
        return record

    def _account(
        self, visit: PageVisit, status: HTTPStatus = HTTPStatus.OK, errors: Mapping[str, str] = _NO_ERRORS
    ) -> Response:
        record = self._record(visit)
        service = self.administration.workload_rules
        rules = service.of_account(record.user.id)
        page = AccountPage(
            record=record,
            rules=rules,
            not_allowed=service.not_allowed(rules),
            people=self._people(),
            # Only a refused form is shown with its values again.
            form=visit.form if errors else Form({}),
            errors=errors,
        )
        return self.pages.show(visit.layout, "pages/admin/service-account.html", page, status)

    def _list(
        self, visit: PageVisit, status: HTTPStatus = HTTPStatus.OK, errors: Mapping[str, str] = _NO_ERRORS
    ) -> Response:
        listing = ListQuery.of(visit.query, ADDRESS, [sort.value for sort in UserSort])
        query = UserQuery(
            search=listing.search,
            kind=UserKind.SERVICE,
            sort=UserSort(listing.sort),
            is_descending=listing.is_descending,
        )
        result = self.administration.users.page(query, listing.page_request)
        page = AccountsPage(
            rows=result.records,
            total=total(result, listing, lambda: self.administration.users.count(query)),
            listing=listing,
            following=listing.following(result.next_cursor),
            people=self._people(),
            form=visit.form if errors else Form({}),
            errors=errors,
        )
        return self.pages.show(visit.layout, "pages/admin/service-accounts.html", page, status)

    def _people(self) -> Sequence[UserRecord]:
        query = UserQuery(kind=UserKind.PERSON, is_disabled=False)
        return self.administration.users.page(query, PageRequest(limit=_SUGGESTED)).records


def _errors_of(refusal: PortalError) -> Mapping[str, str]:
    """Return the reason of a refusal by the name of the field that it is about."""
    if isinstance(refusal, UserNotFound):
        return {"owner": refusal.reason}
    if isinstance(refusal, AlreadyExists):
        return {"username": refusal.reason}
    if isinstance(refusal, InvalidRequest) and refusal.field in _FIELDS:
        return {refusal.field: refusal.reason}
    return {WHOLE: refusal.reason}


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""
    administrator = services.page_routes(Permission.ADMINISTRATOR)
    pages = ServiceAccountPages(services.pages, services.administration)
    return [
        administrator.page(ADDRESS, pages.listed),
        administrator.form(ADDRESS, pages.create),
        administrator.page(f"{ADDRESS}/{{user}}", pages.show),
        administrator.form(f"{ADDRESS}/{{user}}", pages.describe),
    ]
