"""The common part of the settings pages: a table, and panes that add, change and remove a setting."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from starlette.responses import Response

from daypass.portal.admin.model import Version
from daypass.portal.admin.settings.service import ROLE_SETTINGS, Settings
from daypass.portal.errors import InvalidRequest, PreconditionFailed
from daypass.portal.http.core.problems import status_of
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.forms import Form
from daypass.portal.http.layout.redirects import redirect
from daypass.portal.http.pages.admin.listing import ListQuery, Slice, paginate
from daypass.portal.http.pages.admin.settings_form import (
    HOURS,
    SettingFormValues,
    SettingRow,
    chosen,
    row,
    typed_again,
    typed_value,
)
from daypass.portal.settings.registry import find

SettingRef = tuple[str, str]
"""The type and the key of a setting."""


@dataclass(frozen=True, slots=True)
class Pane:
    """The open pane and the values of its fields."""

    typed: SettingFormValues = field(default_factory=SettingFormValues)
    changing: SettingRow | None = None
    """The setting that is being edited."""
    is_adding: bool = False
    wrong: str = ""


@dataclass(frozen=True, slots=True)
class SettingTable:
    """The settings of one owner, and the open pane."""

    listing: ListQuery
    part: Slice[SettingRow]
    pane: Pane

    @property
    def hours(self) -> Sequence[tuple[str, str]]:
        """The options of *Select Duration Hour*."""
        return HOURS


class SettingPages(ABC):
    """Handlers of the settings of the system or of one tenant."""

    @property
    @abstractmethod
    def settings(self) -> Settings:
        """The service that changes settings."""

    @abstractmethod
    def owner(self, visit: PageVisit) -> str | None:
        """Return the id of the tenant that owns the settings; None for the system."""

    @abstractmethod
    def address(self, visit: PageVisit) -> str:
        """Return the address of the table."""

    @abstractmethod
    def selected_setting(self, form: Form) -> SettingRef:
        """Return the setting selected in the add pane; raises `InvalidRequest` if it is incomplete."""

    @abstractmethod
    def answer(self, visit: PageVisit, table: SettingTable, status: HTTPStatus) -> Response:
        """Render the page around the table."""

    def show(self, visit: PageVisit) -> Response:
        """Show the table; with `key`, the pane that edits that setting is open."""
        if "key" not in visit.query:
            return self._answer(visit, Pane())
        ref = visit.query.get("type", ""), visit.query["key"]
        changing = row(self.settings.find(self.owner(visit), *ref))
        return self._answer(visit, Pane(changing.typed, changing=changing))

    def add(self, visit: PageVisit) -> Response:
        """Add a setting."""
        form, owner = visit.form, self.owner(visit)
        try:
            ref = self.selected_setting(form)
            value = chosen(typed_value(form), "Select or enter a Value.")
            self.settings.put(owner, *ref, value, visit.caller)
        except InvalidRequest as refusal:
            pane = Pane(typed_again(form), is_adding=True, wrong=refusal.reason)
            return self._answer(visit, pane, status_of(refusal))
        return self._done(visit, ref, f"is set to {value}.")

    def change(self, visit: PageVisit) -> Response:
        """Change a setting, if it is still the version that was shown."""
        form, owner = visit.form, self.owner(visit)
        ref, value, version = _submitted(form), typed_value(form), Version(form.get("version"))
        try:
            self.settings.put(owner, *ref, value, visit.caller, version)
        except (InvalidRequest, PreconditionFailed) as refusal:
            changing = row(self.settings.find(owner, *ref))
            pane = Pane(typed_again(form), changing=changing, wrong=refusal.reason)
            return self._answer(visit, pane, status_of(refusal))
        return self._done(visit, ref, f"is set to {value}.")

    def remove(self, visit: PageVisit) -> Response:
        """Remove a setting."""
        ref = _submitted(visit.form)
        self.settings.remove(self.owner(visit), *ref, visit.caller)
        if find(*ref) in ROLE_SETTINGS:
            return self._done(
                visit, ref, "is removed. The IAM roles keep their current maximum session duration."
            )
        return self._done(visit, ref, "is removed. Its default applies again.")

    def _done(self, visit: PageVisit, ref: SettingRef, outcome: str) -> Response:
        setting = find(*ref)
        label = ref[1] if setting is None else setting.label
        return redirect(self.address(visit), f"{label} {outcome}")

    def _answer(self, visit: PageVisit, pane: Pane, status: HTTPStatus = HTTPStatus.OK) -> Response:
        listing = ListQuery.of(visit.query, self.address(visit), ["key"])
        rows = [row(record) for record in self.settings.of(self.owner(visit))]
        part = paginate(rows, listing, lambda entry: f"{entry.type} {entry.name} {entry.key} {entry.value}")
        return self.answer(visit, SettingTable(listing, part, pane), status)


def _submitted(form: Form) -> SettingRef:
    return form.get("type"), form.get("key")
