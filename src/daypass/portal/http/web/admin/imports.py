"""Many users at once, from a table: first what would become of each line, then it is done."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import Response

from daypass.portal.admin.imports import COLUMNS, ImportedUser, Imports
from daypass.portal.errors import InvalidRequest
from daypass.portal.http.frame.entrance import Visit
from daypass.portal.http.frame.pages import Pages
from daypass.portal.http.frame.returns import go_to
from daypass.portal.http.problems import status_of
from daypass.portal.http.web.admin.users import ADDRESS as USERS

ADDRESS = "/administrator/import-users"


@dataclass(frozen=True, slots=True)
class ImportPage:
    """What the page shows."""

    columns: Sequence[str]
    text: str = ""
    planned: Sequence[ImportedUser] = ()
    wrong: str = ""

    @property
    def can_be_done(self) -> bool:
        """Whether every line can be taken, and one of them does anything."""
        return all(one.problem is None for one in self.planned) and any(
            one.has_effect for one in self.planned
        )


@dataclass(frozen=True, slots=True)
class ImportPages:
    """Taking a table of users."""

    pages: Pages
    imports: Imports

    def show(self, visit: Visit) -> Response:
        """Where the table is pasted."""
        return self._answer(visit, ImportPage(COLUMNS))

    def take(self, visit: Visit) -> Response:
        """Say what would become of each line or, when that was confirmed, do it."""
        text = visit.form.raw("table")
        try:
            if visit.form.has("do"):
                done = self.imports.run(text, visit.caller)
                changed = sum(one.has_effect for one in done)
                return go_to(USERS, f"{len(done)} lines imported, {changed} of them changed something.")
            planned = self.imports.plan(text)
        except InvalidRequest as refusal:
            return self._answer(visit, ImportPage(COLUMNS, text, wrong=refusal.reason), status_of(refusal))
        return self._answer(visit, ImportPage(COLUMNS, text, planned))

    def _answer(self, visit: Visit, page: ImportPage, status: HTTPStatus = HTTPStatus.OK) -> Response:
        return self.pages.show(visit.frame, "web/admin/import-users.html", page, status)
