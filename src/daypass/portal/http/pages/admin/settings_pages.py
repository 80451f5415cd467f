"""The common part of the settings pages: a table, and panes that add, change and remove a setting."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from daypass.portal.admin.model import Version
from daypass.portal.admin.settings.service import ROLE_SETTINGS, Settings
from daypass.portal.errors import InvalidRequest, PreconditionFailed
from daypass.portal.http.core.problems import status_of
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.forms import WHOLE, Form
from daypass.portal.http.layout.redirects import redirect
from daypass.portal.http.pages.admin.listing import ListQuery, Slice, paginate
from daypass.portal.http.pages.admin.settings_form import (
    Fields,
    SettingField,
    SettingRow,
    joined,
    require_text,
)
from daypass.portal.settings.registry import TENANT_SERVICES
from daypass.portal.settings.setting import Setting

SettingRef = tuple[str, str]
"""The type and the key of a setting."""


@dataclass(frozen=True, slots=True)
class Pane:
    """The open pane and the contents of its fields."""

    fields: Fields = field(default_factory=dict)
    changing: SettingRow | None = None
    """The setting that is being edited."""
    is_adding: bool = False
    errors: Mapping[str, str] = field(default_factory=dict)
    """The reasons of a refusal by the names of the fields; `WHOLE` is for the pane as a whole."""

    @property
    def error(self) -> str:
        """The reason that concerns no single field; empty if there is none."""
        return self.errors.get(WHOLE, "")


@dataclass(frozen=True, slots=True)
class AddedSetting:
    """What the pane that adds a setting contains."""

    ref: SettingRef
    text: str
    """The text of the value, which may be empty."""
    fields: Mapping[str, str]
    """The names that the form has for the fields `type`, `key` and `value` of an error."""


@dataclass(frozen=True, slots=True)
class SettingTable:
    """The settings of one owner, and the open pane."""

    listing: ListQuery
    part: Slice[SettingRow]
    pane: Pane


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
    def added(self, form: Form) -> AddedSetting:
        """Return the contents of the add pane; raises `InvalidRequest` if no setting is selected."""

    @abstractmethod
    def answer(self, visit: PageVisit, table: SettingTable, status: HTTPStatus) -> Response:
        """Render the page around the table."""

    def show(self, visit: PageVisit) -> Response:
        """Show the table; `key` opens the pane that edits that setting, `add` the one that adds it."""
        if "add" in visit.query:
            return self._answer(visit, Pane({"key": visit.query["add"]}, is_adding=True))
        if "key" not in visit.query:
            return self._answer(visit, Pane())
        ref = visit.query.get("type", ""), visit.query["key"]
        changing = SettingRow(self.settings.find(self.owner(visit), *ref))
        return self._answer(visit, Pane(changing.fields, changing=changing))

    def add(self, visit: PageVisit) -> Response:
        """Add a setting."""
        form, owner = visit.form, self.owner(visit)
        try:
            added = self.added(form)
            with _named(added.fields):
                text = require_text(added.text, "Select or enter a Value.")
                new = self.settings.parse(owner, *added.ref, text)
                self.settings.put(owner, new, visit.caller)
        except InvalidRequest as refusal:
            pane = Pane(_submitted(form), is_adding=True, errors=_errors_of(refusal))
            return self._answer(visit, pane, status_of(refusal))
        return self._done(visit, new.setting, f"is set to {new.text}.")

    def change(self, visit: PageVisit) -> Response:
        """Change a setting, if it is still the version that was shown."""
        form, owner = visit.form, self.owner(visit)
        ref, version = _ref(form), Version(form.get("version"))
        try:
            field = SettingField(self.settings.registry.find(*ref))
            # A missing field would read as an empty text, which is a valid value of an unknown setting.
            field.check_present(form)
            with _named({"value": field.name_in(form)}):
                new = self.settings.parse(owner, *ref, field.read(form))
                self.settings.put(owner, new, visit.caller, version)
        except (InvalidRequest, PreconditionFailed) as refusal:
            changing = SettingRow(self.settings.find(owner, *ref))
            pane = Pane(_submitted(form), changing=changing, errors=_errors_of(refusal))
            return self._answer(visit, pane, status_of(refusal))
        return self._done(visit, new.setting, f"is set to {new.text}.")

    def remove(self, visit: PageVisit) -> Response:
        """Remove a setting."""
        ref = _ref(visit.form)
        self.settings.remove(self.owner(visit), *ref, visit.caller)
        setting = self.settings.registry.find(*ref)
        if setting is TENANT_SERVICES:
            return self._done(visit, setting, "is removed. The limit is removed from the role as well.")
        # Without the setting nothing determines the roles' maximum, so they are left as they are.
        if setting in ROLE_SETTINGS:
            return self._done(
                visit, setting, "is removed. The IAM roles keep their current maximum session duration."
            )
        return self._done(visit, setting, "is removed. Its default applies again.")

    def _done(self, visit: PageVisit, setting: Setting[Any], outcome: str) -> Response:
        return redirect(self.address(visit), f"{setting.label} {outcome}")

    def _answer(self, visit: PageVisit, pane: Pane, status: HTTPStatus = HTTPStatus.OK) -> Response:
        listing = ListQuery.of(visit.query, self.address(visit), ["key"])
        rows = [SettingRow(record) for record in self.settings.of(self.owner(visit))]
        part = paginate(rows, listing, _searched_text)
        return self.answer(visit, SettingTable(listing, part, pane), status)


@contextmanager
def _named(fields: Mapping[str, str]) -> Iterator[None]:
    """Give an `InvalidRequest` of the block the name of its field in the form; by default the value's."""
    try:
        yield
    except InvalidRequest as refusal:
        refusal.field = fields.get(refusal.field or "value", "")
        raise


def _errors_of(refusal: InvalidRequest | PreconditionFailed) -> Mapping[str, str]:
    name = refusal.field if isinstance(refusal, InvalidRequest) else ""
    return {name or WHOLE: refusal.reason}


def _searched_text(row: SettingRow) -> str:
    return f"{row.setting.type} {row.setting.label} {row.setting.key} {row.value}"


def _ref(form: Form) -> SettingRef:
    return form.get("type"), form.get("key")


def _submitted(form: Form) -> Fields:
    return {name: joined(form, name) for name in form.fields}
