"""The tab Tenant Access of a group: the memberships of tenants that it gives, and their forms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http import HTTPStatus

from starlette.responses import Response

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.groups.model import membership_version
from daypass.portal.admin.model import TenantQuery, Version
from daypass.portal.errors import (
    InvalidRequest,
    PermissionSetNotFound,
    PortalError,
    PreconditionFailed,
    TenantNotFound,
)
from daypass.portal.groups.model import GroupMembership
from daypass.portal.http.core.problems import status_of
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.forms import WHOLE, Form
from daypass.portal.http.layout.redirects import redirect
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.admin.groups.confirmation import SESSIONS_REMAIN, ConfirmationPage
from daypass.portal.http.pages.admin.groups.heading import GroupHeading
from daypass.portal.http.pages.admin.listing import ListQuery, total
from daypass.portal.http.pages.set_words import in_words, options
from daypass.portal.permission_sets.model import FULL
from daypass.portal.storage.pagination import PageRequest

_SUGGESTED = 100
_REFUSALS = (InvalidRequest, TenantNotFound, PermissionSetNotFound, PreconditionFailed)
_ALREADY_GIVEN = "The group gives this tenant already. Change that access, or enter another tenant."
_UNREADABLE_END = "Enter a date and a time, such as 2027-06-30T18:00, or nothing for no end."


@dataclass(frozen=True, slots=True)
class MembershipForm:
    """The fields of the form as text, and their errors by the field's name."""

    tenant: str = ""
    permission_set: str = FULL.name
    ends_at: str = ""
    """The end in UTC, as a browser's field for date and time has it; empty for none."""
    version: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, membership: GroupMembership) -> "MembershipForm":
        """Return the fields of an existing membership."""
        return cls(
            membership.tenant.name,
            membership.permission_set.name,
            _written(membership.ends_at),
            membership_version(membership),
        )

    @classmethod
    def submitted(cls, form: Form, tenant: str) -> "MembershipForm":
        """Return the fields that were submitted for a tenant."""
        return cls(tenant, form.get("permission_set"), form.get("ends_at"), form.get("version"))

    def end(self, old: datetime | None = None) -> datetime | None:
        """Return the end, or *old* if the field has its text; raises `InvalidRequest`.

        The field of a browser has no microseconds, which a change of another field must not cut off.
        """
        if self.ends_at == _written(old):
            return old
        if not self.ends_at:
            return None
        try:
            end = datetime.fromisoformat(self.ends_at)
            return end.replace(tzinfo=UTC) if end.tzinfo is None else end.astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise InvalidRequest(_UNREADABLE_END) from error


@dataclass(frozen=True, slots=True)
class MembershipsPage:
    """The data of the tab."""

    heading: GroupHeading
    rows: Sequence[GroupMembership]
    total: str
    listing: ListQuery
    following: str


@dataclass(frozen=True, slots=True)
class MembershipFormPage:
    """The data of the page with the form."""

    heading: GroupHeading
    form: MembershipForm
    address: str
    """The address that the form is sent to."""
    is_new: bool
    sets: Sequence[tuple[str, str]]
    """The value and the label of every permission set."""
    suggested: Sequence[str]
    """Suggested names of tenants; others can be typed."""

    @property
    def error(self) -> str:
        """The error that belongs to no single field."""
        return self.form.errors.get(WHOLE, "")


@dataclass(frozen=True, slots=True)
class MembershipPages:
    """Handlers of the memberships that one group gives."""

    pages: PageRenderer
    administration: Administration

    def listed(self, visit: PageVisit) -> Response:
        """Show the tab."""
        heading, memberships = self._heading(visit), self.administration.group_memberships
        listing = ListQuery.of(visit.query, heading.address, ["tenant"])
        result = memberships.page(heading.group.id, listing.page_request, listing.search)
        page = MembershipsPage(
            heading=heading,
            rows=result.records,
            total=total(result, listing, lambda: memberships.count(heading.group.id, listing.search)),
            listing=listing,
            following=listing.following(result.next_cursor),
        )
        return self.pages.show(visit.layout, "pages/admin/group-access.html", page)

    def new(self, visit: PageVisit) -> Response:
        """Show the form for a further tenant."""
        return self._form(visit, MembershipForm(), is_new=True)

    def add(self, visit: PageVisit) -> Response:
        """Give the group a further tenant."""
        form = MembershipForm.submitted(visit.form, visit.form.get("tenant"))
        if not form.tenant:
            return self._refused(visit, form, {"tenant": "Enter a tenant."}, is_new=True)
        # The version of a membership that does not exist: adding must not replace one that the user does not
        # see.
        return self._put(visit, replace(form, version=""), None, is_new=True)

    def edit(self, visit: PageVisit) -> Response:
        """Show the form with an existing membership."""
        return self._form(visit, MembershipForm.of(self._membership(visit)), is_new=False)

    def change(self, visit: PageVisit) -> Response:
        """Change a membership, if it is still the version that was shown."""
        old = self._membership(visit)
        return self._put(
            visit, MembershipForm.submitted(visit.form, old.tenant.name), old.ends_at, is_new=False
        )

    def ask_remove(self, visit: PageVisit) -> Response:
        """Show what the removal of a membership ends."""
        return self._ask_remove(visit)

    def remove(self, visit: PageVisit) -> Response:
        """Remove a membership, if it is still the version that was shown."""
        old = self._membership(visit)
        try:
            self.administration.group_memberships.remove(
                old.group.id, old.tenant.id, visit.caller, Version(visit.form.get("version"))
            )
        except PreconditionFailed as refusal:
            return self._ask_remove(visit, refusal)
        return redirect(
            self._heading(visit).address, f"{old.group.name} no longer gives access to {old.tenant.name}."
        )

    def _ask_remove(self, visit: PageVisit, refusal: PortalError | None = None) -> Response:
        heading, membership = self._heading(visit), self._membership(visit)
        tenant, number = membership.tenant.name, heading.record.members
        members = "the one member" if number == 1 else f"the {number} members"
        page = ConfirmationPage(
            heading=heading,
            title=f"Remove access to {tenant}",
            consequences=[
                f"What the group gives {members} in {tenant} ends immediately: "
                f"{in_words(membership.permission_set)}.",
                "Users keep the access that their own memberships or other groups give.",
                SESSIONS_REMAIN,
            ],
            act="Remove access",
            address=f"{heading.address}/tenants/{membership.tenant.id}/remove",
            back=heading.address,
            version=membership_version(membership),
            error="" if refusal is None else refusal.reason,
        )
        status = HTTPStatus.OK if refusal is None else status_of(refusal)
        return self.pages.show(visit.layout, "pages/admin/group-confirmation.html", page, status)

    def _put(
        self, visit: PageVisit, form: MembershipForm, old_end: datetime | None, *, is_new: bool
    ) -> Response:
        heading = self._heading(visit)
        try:
            ends_at = form.end(old_end)
        except InvalidRequest as invalid:
            return self._refused(visit, form, {"ends_at": invalid.reason}, is_new=is_new)
        try:
            given = self.administration.group_memberships.put(
                heading.group.id,
                form.tenant,
                form.permission_set,
                ends_at,
                visit.caller,
                Version(form.version),
            )
        except _REFUSALS as refusal:
            errors = _errors_of(refusal, is_new=is_new)
            return self._refused(visit, form, errors, is_new=is_new, status=status_of(refusal))
        return redirect(
            heading.address,
            f"{given.group.name} now gives {in_words(given.permission_set)} in {given.tenant.name}.",
        )

    def _refused(
        self,
        visit: PageVisit,
        form: MembershipForm,
        errors: Mapping[str, str],
        *,
        is_new: bool,
        status: HTTPStatus = HTTPStatus.UNPROCESSABLE_ENTITY,
    ) -> Response:
        return self._form(visit, replace(form, errors=errors), is_new=is_new, status=status)

    def _form(
        self, visit: PageVisit, form: MembershipForm, *, is_new: bool, status: HTTPStatus = HTTPStatus.OK
    ) -> Response:
        tenants = self.administration.tenants.page(TenantQuery(), PageRequest(limit=_SUGGESTED)).records
        page = MembershipFormPage(
            heading=self._heading(visit),
            form=form,
            address=visit.request.url.path,
            is_new=is_new,
            sets=options(self.administration.permission_sets.all()),
            suggested=[record.tenant.name for record in tenants] if is_new else (),
        )
        return self.pages.show(visit.layout, "pages/admin/group-access-form.html", page, status)

    def _heading(self, visit: PageVisit) -> GroupHeading:
        groups = self.administration.groups
        return GroupHeading.of(groups.find(visit.path["group"]), groups.providers, visit.layout.now)

    def _membership(self, visit: PageVisit) -> GroupMembership:
        return self.administration.group_memberships.find(visit.path["group"], visit.path["tenant"])


def _errors_of(refusal: PortalError, *, is_new: bool) -> Mapping[str, str]:
    """Return the error of the service beside the field that it is about."""
    if isinstance(refusal, TenantNotFound):
        # The reason is worded for users, who ask to be added to a tenant.
        return {"tenant": "There is no such tenant."}
    if isinstance(refusal, PermissionSetNotFound):
        return {"permission_set": refusal.reason}
    if isinstance(refusal, PreconditionFailed):
        return {"tenant": _ALREADY_GIVEN} if is_new else {WHOLE: refusal.reason}
    # The group, the tenant and the set are known, so only the end can be invalid.
    return {"ends_at": refusal.reason}


def _written(end: datetime | None) -> str:
    if end is None:
        return ""
    return end.replace(tzinfo=None, microsecond=0).isoformat(timespec="seconds" if end.second else "minutes")
