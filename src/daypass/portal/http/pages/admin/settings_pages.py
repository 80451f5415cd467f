"""What the pages of settings share: a table, a pane to add one, a pane to change one, and the end of one."""

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
    """The pane that is open, and what stands in it."""

    typed: SettingFormValues = field(default_factory=SettingFormValues)
    changing: SettingRow | None = None
    """The setting that is being changed."""
    is_adding: bool = False
    wrong: str = ""


@dataclass(frozen=True, slots=True)
class SettingTable:
    """The settings of one owner, and the pane before them."""

    listing: ListQuery
    part: Slice[SettingRow]
    pane: Pane

    @property
    def hours(self) -> Sequence[tuple[str, str]]:
        """What *Select Duration Hour* offers."""
        return HOURS


class SettingPages(ABC):
    """The pages about the settings of the system, or of one tenant."""

    @property
    @abstractmethod
    def settings(self) -> Settings:
        """What is done with settings."""

    @abstractmethod
    def owner(self, visit: PageVisit) -> str | None:
        """The tenant whose settings they are; None is the system."""

    @abstractmethod
    def address(self, visit: PageVisit) -> str:
        """Where the table is."""

    @abstractmethod
    def place(self, form: Form) -> SettingRef:
        """Which setting the pane to add one came to; raises `InvalidRequest` in the pane's words."""

    @abstractmethod
    def answer(self, visit: PageVisit, table: SettingTable, status: HTTPStatus) -> Response:
        """The page around the table."""

    def show(self, visit: PageVisit) -> Response:
        """The table; with `key`, and the pane in which that setting is changed."""
        if "key" not in visit.query:
            return self._answer(visit, Pane())
        place = visit.query.get("type", ""), visit.query["key"]
        found = row(self.settings.find(self.owner(visit), *place))
        return self._answer(visit, Pane(found.typed, changing=found))

    def add(self, visit: PageVisit) -> Response:
        """Add a setting."""
        form, owner = visit.form, self.owner(visit)
        try:
            place = self.place(form)
            value = chosen(typed_value(form), "Select or enter a Value.")
            self.settings.put(owner, *place, value, visit.caller)
        except InvalidRequest as refusal:
            pane = Pane(typed_again(form), is_adding=True, wrong=refusal.reason)
            return self._answer(visit, pane, status_of(refusal))
        return self._done(visit, place, f"is set to {value}.")

    def change(self, visit: PageVisit) -> Response:
        """Change a setting, if it is still the one that was shown."""
        form, owner = visit.form, self.owner(visit)
        place, value, version = _sent(form), typed_value(form), Version(form.get("version"))
        try:
            self.settings.put(owner, *place, value, visit.caller, version)
        except (InvalidRequest, PreconditionFailed) as refusal:
            changing = row(self.settings.find(owner, *place))
            pane = Pane(typed_again(form), changing=changing, wrong=refusal.reason)
            return self._answer(visit, pane, status_of(refusal))
        return self._done(visit, place, f"is set to {value}.")

    def remove(self, visit: PageVisit) -> Response:
        """Take a setting away."""
        place = _sent(visit.form)
        self.settings.remove(self.owner(visit), *place, visit.caller)
        if find(*place) in ROLE_SETTINGS:
            return self._done(
                visit, place, "is removed. The IAM roles keep the maximum that they have in AWS."
            )
        return self._done(visit, place, "is removed, and its default holds again.")

    def _done(self, visit: PageVisit, place: SettingRef, says: str) -> Response:
        setting = find(*place)
        called = place[1] if setting is None else setting.label
        return redirect(self.address(visit), f"{called} {says}")

    def _answer(self, visit: PageVisit, pane: Pane, status: HTTPStatus = HTTPStatus.OK) -> Response:
        listing = ListQuery.of(visit.query, self.address(visit), ["key"])
        rows = [row(record) for record in self.settings.of(self.owner(visit))]
        part = paginate(rows, listing, lambda one: f"{one.type} {one.name} {one.key} {one.value}")
        return self.answer(visit, SettingTable(listing, part, pane), status)


def _sent(form: Form) -> SettingRef:
    return form.get("type"), form.get("key")
