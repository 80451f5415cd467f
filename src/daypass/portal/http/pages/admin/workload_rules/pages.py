"""The pages about workload rules: the list, one rule, and its form."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import Response
from starlette.routing import BaseRoute

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.model import UserQuery, UserRecord, Version, WorkloadRuleRecord
from daypass.portal.admin.workloads.service import WorkloadRules
from daypass.portal.errors import (
    InvalidRequest,
    PermissionSetNotFound,
    PreconditionFailed,
    TenantNotFound,
    UserNotFound,
)
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.problems import status_of
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.forms import WHOLE
from daypass.portal.http.layout.redirects import redirect
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.admin.workload_rules.form import RuleForm
from daypass.portal.http.services import Services
from daypass.portal.identity.model import UserKind
from daypass.portal.storage.pagination import PageRequest
from daypass.portal.workloads.issuers.model import IssuerRules
from daypass.portal.workloads.issuers.table import KINDS
from daypass.portal.workloads.model import TAG_PREFIX, RuleId

ADDRESS = "/administrator/workload-rules"
RULE_PATH = f"{ADDRESS}/{{rule}}"
ADD = "/administrator/add-workload-rule"
DELETE = "/administrator/delete-workload-rule"

_SUGGESTED = 100
_REFUSALS = (InvalidRequest, TenantNotFound, PermissionSetNotFound, UserNotFound, PreconditionFailed)


@dataclass(frozen=True, slots=True)
class RulesPage:
    """The data of the list."""

    rows: Sequence[WorkloadRuleRecord]
    not_allowed: Collection[RuleId]
    """The rules whose issuer the operator does not allow any more."""

    def kind_of(self, record: WorkloadRuleRecord) -> IssuerRules:
        """Return the kind of a rule's issuer."""
        return KINDS[record.rule.kind]


@dataclass(frozen=True, slots=True)
class RulePage:
    """The data of the page of one rule."""

    record: WorkloadRuleRecord
    is_issuer_allowed: bool
    tag_prefix: str = TAG_PREFIX

    @property
    def kind(self) -> IssuerRules:
        """The kind of the issuer."""
        return KINDS[self.record.rule.kind]

    @property
    def address(self) -> str:
        """The address of the page."""
        return f"{ADDRESS}/{self.record.rule.name}"

    @property
    def claims(self) -> Sequence[tuple[str, str, str]]:
        """The label, the name and the demanded value of each claim."""
        labels = {each.claim: each.label for each in self.kind.fields}
        return [(labels.get(name, name), name, value) for name, value in self.record.rule.claims.items()]


@dataclass(frozen=True, slots=True)
class RuleFormPage:
    """The data of the page with the form."""

    form: RuleForm
    is_new: bool
    accounts: Sequence[UserRecord]
    """The suggested service accounts."""

    @property
    def error(self) -> str:
        """The error of no single field."""
        return self.form.errors.get(WHOLE, "")

    @property
    def kinds(self) -> Sequence[tuple[str, str]]:
        """The label and the address of the form of each kind."""
        return [(kind.label, f"{ADD}?kind={kind.kind.value}") for kind in KINDS.values()]

    @property
    def address(self) -> str:
        """The address that the form is sent to."""
        return ADD if self.is_new else f"{ADDRESS}/{self.form.name}/edit"

    @property
    def back(self) -> str:
        """The address of **Cancel**."""
        return ADDRESS if self.is_new else f"{ADDRESS}/{self.form.name}"


@dataclass(frozen=True, slots=True)
class WorkloadRulePages:
    """Handlers of the pages about workload rules."""

    pages: PageRenderer
    administration: Administration

    @property
    def rules(self) -> WorkloadRules:
        """The service."""
        return self.administration.workload_rules

    def listed(self, visit: PageVisit) -> Response:
        """Show all rules."""
        rows = self.rules.all()
        page = RulesPage(rows, self.rules.not_allowed(rows))
        return self.pages.show(visit.layout, "pages/admin/workload-rules.html", page)

    def show(self, visit: PageVisit) -> Response:
        """Show one rule."""
        record = self.rules.find(visit.path["rule"])
        page = RulePage(record, self.rules.is_issuer_allowed(record))
        return self.pages.show(visit.layout, "pages/admin/workload-rule.html", page)

    def new(self, visit: PageVisit) -> Response:
        """Show the form for a new rule of the kind in the query."""
        query = visit.query
        form = RuleForm.empty(query.get("kind", ""), query.get("account", ""), self.rules.public_url)
        return self._form(visit, form, is_new=True)

    def create(self, visit: PageVisit) -> Response:
        """Create a rule, and redirect to its page."""
        # The version of a rule that does not exist: creating must not replace one that the user does not see.
        return self._put(
            visit, RuleForm.submitted(visit.form, visit.form.get("name")), Version(""), is_new=True
        )

    def edit(self, visit: PageVisit) -> Response:
        """Show the form with the content of a rule."""
        record = self.rules.find(visit.path["rule"])
        return self._form(
            visit, RuleForm.of(record.rule, record.account.username, record.version), is_new=False
        )

    def change(self, visit: PageVisit) -> Response:
        """Change a rule, if it is still the version that was shown."""
        form = RuleForm.submitted(visit.form, self.rules.find(visit.path["rule"]).rule.name)
        return self._put(visit, form, Version(form.version), is_new=False)

    def disable(self, visit: PageVisit) -> Response:
        """Disable a rule, or enable it again."""
        is_disabled = visit.form.get("state") == "disabled"
        name = self.rules.disable(visit.path["rule"], visit.caller, is_disabled=is_disabled).rule.name
        return redirect(f"{ADDRESS}/{name}", f"{name} is {'disabled' if is_disabled else 'enabled'}.")

    def delete(self, visit: PageVisit) -> Response:
        """Delete a rule."""
        name = visit.form.get("name")
        self.rules.remove(name, visit.caller)
        return redirect(ADDRESS, f"{name} is deleted, and its tokens have ended.")

    def _put(self, visit: PageVisit, form: RuleForm, expected: Version, *, is_new: bool) -> Response:
        try:
            self.rules.put(form.name, form.definition(), visit.caller, expected)
        except _REFUSALS as refusal:
            refused = form.refused(refusal, is_new=is_new)
            return self._form(visit, refused, is_new=is_new, status=status_of(refusal))
        return redirect(f"{ADDRESS}/{form.name}", f"{form.name} is {'created' if is_new else 'changed'}.")

    def _form(
        self,
        visit: PageVisit,
        form: RuleForm,
        *,
        is_new: bool,
        status: HTTPStatus = HTTPStatus.OK,
    ) -> Response:
        query = UserQuery(kind=UserKind.SERVICE, is_disabled=False)
        accounts = self.administration.users.page(query, PageRequest(limit=_SUGGESTED)).records
        page = RuleFormPage(form, is_new, accounts)
        return self.pages.show(visit.layout, "pages/admin/workload-rule-form.html", page, status)


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""
    administrator = services.page_routes(Permission.ADMINISTRATOR)
    pages = WorkloadRulePages(services.pages, services.administration)
    return [
        administrator.page(ADDRESS, pages.listed),
        administrator.page(ADD, pages.new),
        administrator.form(ADD, pages.create),
        administrator.form(DELETE, pages.delete),
        administrator.page(RULE_PATH, pages.show),
        administrator.page(f"{RULE_PATH}/edit", pages.edit),
        administrator.form(f"{RULE_PATH}/edit", pages.change),
        administrator.form(f"{RULE_PATH}/disable", pages.disable),
    ]
