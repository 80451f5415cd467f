"""The pages about permission sets: the list, one set in words, and its forms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus

from starlette.responses import Response
from starlette.routing import BaseRoute

from daypass.portal.admin.model import PermissionSetRecord, TenantSort, Version
from daypass.portal.admin.permission_sets.service import PermissionSets
from daypass.portal.admin.tenants.service import Tenants
from daypass.portal.errors import InvalidRequest, PreconditionFailed
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.problems import status_of
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.forms import WHOLE
from daypass.portal.http.layout.redirects import redirect
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.admin.listing import ListQuery
from daypass.portal.http.pages.admin.permission_sets import words
from daypass.portal.http.pages.admin.permission_sets.form import InvalidFields, SetForm, read_definition
from daypass.portal.http.pages.admin.permission_sets.set_roles import SetRoles, read_set_roles
from daypass.portal.http.services import Services
from daypass.portal.permission_sets.model import PermissionSetTemplate

ADDRESS = "/administrator/permission-sets"
SET_PATH = f"{ADDRESS}/{{permission_set}}"
ADD = "/administrator/add-permission-set"
DELETE = "/administrator/delete-permission-set"

_NAME_TAKEN = "A permission set with this name already exists. Edit it, or enter another name."
_EMPTY = "Empty form"


@dataclass(frozen=True, slots=True)
class SetsPage:
    """The data of the list."""

    rows: Sequence[PermissionSetRecord]


@dataclass(frozen=True, slots=True)
class SetPage:
    """The data of the page of one set."""

    record: PermissionSetRecord
    allowed: str
    policies: Sequence[tuple[str, str]]
    """The name and the owner of each managed policy."""
    denied: Sequence[str]
    roles: SetRoles | None
    """The roles of a set that has its own; else None."""
    limit: str
    """The limits of a session with the set, in sentences."""

    @property
    def address(self) -> str:
        """The address of the page."""
        return f"{ADDRESS}/{self.record.permission_set.name}"


@dataclass(frozen=True, slots=True)
class SetFormPage:
    """The data of the page with the form."""

    form: SetForm
    is_new: bool
    templates: Sequence[PermissionSetTemplate] = ()
    chosen: str = ""
    """The name of the template that the form starts from."""

    @property
    def starts(self) -> Sequence[tuple[str, str]]:
        """The label and the address of each form to start from."""
        return [
            (_EMPTY, ADD),
            *((_label(each.name), f"{ADD}?template={each.name}") for each in self.templates),
        ]

    @property
    def start(self) -> str:
        """The label of the form that the page started from."""
        return _label(self.chosen) if self.chosen else _EMPTY

    @property
    def address(self) -> str:
        """The address that the form is sent to."""
        return ADD if self.is_new else f"{self.back}/edit"

    @property
    def back(self) -> str:
        """The address of **Cancel**."""
        return ADDRESS if self.is_new else f"{ADDRESS}/{self.form.name}"

    @property
    def error(self) -> str:
        """The error that belongs to no single field."""
        return self.form.errors.get(WHOLE, "")


@dataclass(frozen=True, slots=True)
class PermissionSetPages:
    """Handlers of the pages about permission sets."""

    pages: PageRenderer
    sets: PermissionSets
    tenants: Tenants

    def listed(self, visit: PageVisit) -> Response:
        """Show all sets."""
        page = SetsPage(self.sets.with_members())
        return self.pages.show(visit.layout, "pages/admin/permission-sets.html", page)

    def show(self, visit: PageVisit) -> Response:
        """Show one set in words."""
        record = self.sets.find(visit.path["permission_set"])
        found = record.permission_set
        listing = ListQuery.of(visit.query, f"{ADDRESS}/{found.name}", [TenantSort.NAME])
        page = SetPage(
            record,
            words.allowed(found),
            [(policy.text, words.owner(policy)) for policy in found.policies],
            [words.denied(statement) for statement in found.deny_statements],
            read_set_roles(self.sets, self.tenants, found, listing) if found.has_own_role else None,
            words.limit(found),
        )
        return self.pages.show(visit.layout, "pages/admin/permission-set.html", page)

    def new(self, visit: PageVisit) -> Response:
        """Show the form for a new set; with `template`, it starts from that template."""
        template = next(
            (each for each in self.sets.templates if each.name == visit.query.get("template")), None
        )
        form = SetForm() if template is None else SetForm.from_template(template)
        return self._form(visit, form, is_new=True, chosen="" if template is None else template.name)

    def create(self, visit: PageVisit) -> Response:
        """Create a set, and redirect to its page."""
        form = SetForm.submitted(visit.form, visit.form.get("name"))
        # The version of a set that does not exist: creating must not replace one that the user does not see.
        return self._put(visit, form, Version(""), is_new=True)

    def edit(self, visit: PageVisit) -> Response:
        """Show the form with the content of a set."""
        record = self.sets.find(visit.path["permission_set"])
        if record.permission_set.is_built_in:
            return redirect(f"{ADDRESS}/{record.permission_set.name}", "A built-in set cannot be changed.")
        return self._form(visit, SetForm.of(record.permission_set, record.version), is_new=False)

    def change(self, visit: PageVisit) -> Response:
        """Change a set, if it is still the version that was shown."""
        name = self.sets.find(visit.path["permission_set"]).permission_set.name
        form = SetForm.submitted(visit.form, name)
        return self._put(visit, form, Version(form.version), is_new=False)

    def delete(self, visit: PageVisit) -> Response:
        """Delete a set that no membership has."""
        name = visit.form.get("name")
        self.sets.remove(name, visit.caller)
        return redirect(ADDRESS, f"{name} is deleted.")

    def _put(self, visit: PageVisit, form: SetForm, expected: Version, *, is_new: bool) -> Response:
        try:
            definition = read_definition(form, self.sets.is_known_action)
            self.sets.put(form.name, definition, visit.caller, expected)
        except InvalidFields as invalid:
            return self._form(visit, form, is_new=is_new, errors=invalid.errors)
        except (InvalidRequest, PreconditionFailed) as refusal:
            is_taken = is_new and isinstance(refusal, PreconditionFailed)
            errors = {"name": _NAME_TAKEN} if is_taken else {WHOLE: refusal.reason}
            return self._form(visit, form, is_new=is_new, errors=errors, status=status_of(refusal))
        return redirect(f"{ADDRESS}/{form.name}", f"{form.name} is {'created' if is_new else 'changed'}.")

    def _form(
        self,
        visit: PageVisit,
        form: SetForm,
        *,
        is_new: bool,
        chosen: str = "",
        errors: Mapping[str, str] | None = None,
        status: HTTPStatus = HTTPStatus.UNPROCESSABLE_ENTITY,
    ) -> Response:
        shown = replace(form, errors=errors or {})
        page = SetFormPage(shown, is_new, self.sets.templates if is_new else (), chosen)
        template = "pages/admin/permission-set-form.html"
        return self.pages.show(visit.layout, template, page, status if errors else HTTPStatus.OK)


def _label(template: str) -> str:
    return f"Template {template}"


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""
    administrator = services.page_routes(Permission.ADMINISTRATOR)
    pages = PermissionSetPages(
        services.pages, services.administration.permission_sets, services.administration.tenants
    )
    return [
        administrator.page(ADDRESS, pages.listed),
        administrator.page(ADD, pages.new),
        administrator.form(ADD, pages.create),
        administrator.form(DELETE, pages.delete),
        administrator.page(SET_PATH, pages.show),
        administrator.page(f"{SET_PATH}/edit", pages.edit),
        administrator.form(f"{SET_PATH}/edit", pages.change),
    ]
