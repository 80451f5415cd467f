"""Many users at once, from a file or as pasted: first what would become of each line, then it is done."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus

from starlette.responses import Response

from daypass.common.counting import counted
from daypass.portal.admin.imports.jobs import (
    LARGEST_TABLE,
    LONGEST_TABLE,
    ImportJobs,
    PlannedImport,
    Progress,
)
from daypass.portal.admin.imports.service import ImportedUser
from daypass.portal.admin.imports.table import COLUMNS
from daypass.portal.admin.model import Version
from daypass.portal.errors import InvalidRequest, LastAdministrator, PreconditionFailed
from daypass.portal.http.core.problems import status_of
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.forms import Form
from daypass.portal.http.layout.redirects import redirect
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.admin.user_list import ADDRESS as USERS

ADDRESS = "/administrator/import-users"
DO = f"{ADDRESS}/do"
LARGEST_FORM = LARGEST_TABLE + 64 * 1024
"""Bytes: the table, and what a form puts around it."""

_SHOWN = 200
_SHOWN_AGAIN = 64 * 1024
_A_WHILE = timedelta(seconds=3)
"""How long one request works on a table, beyond its first lines; everybody gets an answer within ten."""


@dataclass(frozen=True, slots=True)
class PlanTable:
    """What would become of each line, as far as a page shows it."""

    planned: PlannedImport

    @property
    def counts(self) -> Sequence[tuple[int, str, str]]:
        """How many lines of each outcome that there is: the number, in words, and their tone."""
        lines = self.planned.lines
        wrong = sum(one.problem is not None for one in lines)
        new = sum(one.is_new for one in lines)
        changing = sum(one.has_effect for one in lines) - new
        every = (
            (wrong, "cannot be taken", "bad"),
            (new, "new", "ok"),
            (changing, "to change", "warn"),
            (len(lines) - wrong - new - changing, "unchanged", ""),
        )
        return [one for one in every if one[0]]

    @property
    def shown(self) -> Sequence[ImportedUser]:
        """Some lines: those that are wrong, or else the first."""
        wrong = [one for one in self.planned.lines if one.problem is not None]
        return (wrong or self.planned.lines)[:_SHOWN]

    @property
    def shows_wrong(self) -> bool:
        """Whether the lines that are shown are those that cannot be taken."""
        return any(one.problem is not None for one in self.planned.lines)

    @property
    def can_be_done(self) -> bool:
        """Whether every line can be taken, and one of them does anything."""
        lines = self.planned.lines
        return all(one.problem is None for one in lines) and any(one.has_effect for one in lines)


@dataclass(frozen=True, slots=True)
class ImportPage:
    """What the page shows."""

    text: str = ""
    plan: PlanTable | None = None
    progress: Progress | None = None
    wrong: str = ""
    columns: Sequence[str] = COLUMNS
    most_lines: int = LONGEST_TABLE
    most_megabytes: int = LARGEST_TABLE // 1024**2
    do: str = DO


@dataclass(frozen=True, slots=True)
class ImportPages:
    """Taking a table of users."""

    pages: PageRenderer
    staged: ImportJobs
    monotonic: Callable[[], float] = field(default=time.monotonic)

    def show(self, visit: PageVisit) -> Response:
        """Where the table is chosen or pasted."""
        return self._answer(visit, ImportPage())

    def check(self, visit: PageVisit) -> Response:
        """Say what would become of each line; keeps the table, and changes nothing else."""
        pasted = visit.form.raw("table")
        again = pasted if len(pasted) <= _SHOWN_AGAIN else ""
        try:
            planned = self.staged.stage(_table(visit.form), visit.caller)
        except InvalidRequest as refusal:
            return self._answer(visit, ImportPage(again, wrong=refusal.reason), status_of(refusal))
        return self._answer(visit, ImportPage(again, PlanTable(planned)))

    def do(self, visit: PageVisit) -> Response:
        """Do the next lines of the table that was looked at."""
        form, enough = visit.form, self.monotonic() + _A_WHILE.total_seconds()
        table, seen = form.get("table_id"), Version(form.get("seen"))
        try:
            done = self.staged.go_on(table, seen, visit.caller, lambda: self.monotonic() >= enough)
        except PreconditionFailed as refusal:
            plan = PlanTable(self.staged.look(table, visit.caller))
            return self._answer(visit, ImportPage(plan=plan, wrong=refusal.reason), status_of(refusal))
        except (InvalidRequest, LastAdministrator) as refusal:
            return self._answer(visit, ImportPage(wrong=refusal.reason), status_of(refusal))
        if not done.is_done:
            return self._answer(visit, ImportPage(progress=done))
        lines = counted(done.lines, "line")
        return redirect(USERS, f"{lines} imported, {done.changed:,} of them changed something.")

    def _answer(self, visit: PageVisit, page: ImportPage, status: HTTPStatus = HTTPStatus.OK) -> Response:
        return self.pages.show(visit.frame, "pages/admin/import-users.html", page, status)


def _table(form: Form) -> str:
    """What was chosen or, else, pasted."""
    sent = form.files.get("file")
    if sent is None:
        text = form.raw("table")
        if not text.strip():
            raise InvalidRequest("Choose a file, or paste the lines.")
    else:
        try:
            text = sent.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InvalidRequest(
                "The file is no text in UTF-8. In a spreadsheet, save it as “CSV UTF-8”, and choose it again."
            ) from error
    if len(text.encode()) > LARGEST_TABLE:
        raise InvalidRequest(f"A table has at most {LARGEST_TABLE // 1024**2} MB.")
    return text
