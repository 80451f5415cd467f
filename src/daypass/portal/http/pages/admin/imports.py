"""Bulk import of users from a CSV file or pasted lines: first a preview, then the import."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus

from starlette.responses import Response
from starlette.routing import BaseRoute

from daypass.common.counting import counted
from daypass.portal.admin.imports.job import ImportJob, ImportPlan
from daypass.portal.admin.imports.limits import MAX_BYTES, MAX_LINES
from daypass.portal.admin.imports.plan import ImportedUser
from daypass.portal.admin.imports.service import Imports
from daypass.portal.admin.imports.table import COLUMNS
from daypass.portal.admin.model import Version
from daypass.portal.errors import InvalidRequest, LastAdministrator, PreconditionFailed
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.problems import status_of
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.forms import Form
from daypass.portal.http.layout.redirects import redirect
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.admin.user_list import ADDRESS as USERS
from daypass.portal.http.services import Services

ADDRESS = "/administrator/import-users"
DO = f"{ADDRESS}/do"
LARGEST_FORM = MAX_BYTES + 64 * 1024
"""The size limit of the form in bytes: the table plus the overhead of the form."""

_SHOWN = 200
_SHOWN_AGAIN = 64 * 1024
_BATCH_TIME = timedelta(seconds=3)
"""The time that one request spends on a table, beyond its first lines, to stay below the timeout."""


@dataclass(frozen=True, slots=True)
class PlanTable:
    """The preview of an import."""

    planned: ImportPlan

    @property
    def counts(self) -> Sequence[tuple[int, str, str]]:
        """The number of lines by outcome: number, label and tag kind; outcomes without lines are left out."""
        lines = self.planned.lines
        invalid = sum(line.problem is not None for line in lines)
        new = sum(line.is_new for line in lines)
        changing = sum(line.has_effect for line in lines) - new
        outcomes = (
            (invalid, "invalid", "bad"),
            (new, "new", "ok"),
            (changing, "to change", "warn"),
            (len(lines) - invalid - new - changing, "unchanged", ""),
        )
        return [outcome for outcome in outcomes if outcome[0]]

    @property
    def shown(self) -> Sequence[ImportedUser]:
        """The lines to show: the invalid ones if there are any, else the first ones."""
        invalid = [line for line in self.planned.lines if line.problem is not None]
        return (invalid or self.planned.lines)[:_SHOWN]

    @property
    def shows_invalid(self) -> bool:
        """Whether the lines shown are the invalid ones."""
        return any(line.problem is not None for line in self.planned.lines)

    @property
    def can_be_done(self) -> bool:
        """Whether all lines are valid and at least one has an effect."""
        lines = self.planned.lines
        return all(line.problem is None for line in lines) and any(line.has_effect for line in lines)


@dataclass(frozen=True, slots=True)
class ImportPage:
    """The data of *Import users*."""

    text: str = ""
    plan: PlanTable | None = None
    progress: ImportJob | None = None
    error: str = ""
    columns: Sequence[str] = COLUMNS
    most_lines: int = MAX_LINES
    most_megabytes: int = MAX_BYTES // 1024**2
    do: str = DO


@dataclass(frozen=True, slots=True)
class ImportPages:
    """Handlers of *Import users*."""

    pages: PageRenderer
    imports: Imports
    monotonic: Callable[[], float] = field(default=time.monotonic)

    def show(self, visit: PageVisit) -> Response:
        """Show the form for the table."""
        return self._answer(visit, ImportPage())

    def check(self, visit: PageVisit) -> Response:
        """Store the table and show the preview; changes no user."""
        pasted = visit.form.raw("table")
        # A large text would make the page as large, and the table is stored anyway.
        pasted_again = pasted if len(pasted) <= _SHOWN_AGAIN else ""
        try:
            planned = self.imports.stage(_table(visit.form), visit.caller)
        except InvalidRequest as refusal:
            return self._answer(visit, ImportPage(pasted_again, error=refusal.reason), status_of(refusal))
        return self._answer(visit, ImportPage(pasted_again, PlanTable(planned)))

    def do(self, visit: PageVisit) -> Response:
        """Import the next batch of the previewed table; raises nothing for refusals, which the page shows."""
        form, deadline = visit.form, self.monotonic() + _BATCH_TIME.total_seconds()
        table, seen = form.get("table_id"), Version(form.get("seen"))
        try:
            job = self.imports.resume(table, seen, visit.caller, lambda: self.monotonic() >= deadline)
        # The preview is outdated, so the page shows a new one, which has to be confirmed again.
        except PreconditionFailed as refusal:
            plan = PlanTable(self.imports.review_again(table, visit.caller))
            return self._answer(visit, ImportPage(plan=plan, error=refusal.reason), status_of(refusal))
        except (InvalidRequest, LastAdministrator) as refusal:
            return self._answer(visit, ImportPage(error=refusal.reason), status_of(refusal))
        if not job.is_done:
            return self._answer(visit, ImportPage(progress=job))
        lines = counted(job.lines, "line")
        return redirect(USERS, f"{lines} imported, {job.changed:,} with changes.")

    def _answer(self, visit: PageVisit, page: ImportPage, status: HTTPStatus = HTTPStatus.OK) -> Response:
        return self.pages.show(visit.layout, "pages/admin/import-users.html", page, status)


def _table(form: Form) -> str:
    """Return the uploaded file's text or, if there is none, the pasted lines; raises `InvalidRequest`."""
    upload = form.files.get("file")
    if upload is None:
        text = form.raw("table")
        if not text.strip():
            raise InvalidRequest("Choose a file, or paste the lines.")
    else:
        try:
            text = upload.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InvalidRequest(
                "The file is not UTF-8 text. In a spreadsheet, save it as “CSV UTF-8”, and choose it again."
            ) from error
    if len(text.encode()) > MAX_BYTES:
        raise InvalidRequest(f"A table has at most {MAX_BYTES // 1024**2} MB.")
    return text


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""
    administrator = services.page_routes(Permission.ADMINISTRATOR)
    pages = ImportPages(services.pages, services.administration.imports)
    return [
        administrator.page(ADDRESS, pages.show),
        administrator.upload(ADDRESS, pages.check, LARGEST_FORM),
        administrator.form(DO, pages.do),
    ]
