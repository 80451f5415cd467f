"""System Settings, tab System Config: what is set for the whole portal."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import Response

from daypass.portal.admin.model import Version
from daypass.portal.admin.settings import Settings
from daypass.portal.errors import Changed, InvalidRequest
from daypass.portal.http.frame.entrance import Visit
from daypass.portal.http.frame.forms import Form
from daypass.portal.http.frame.pages import Pages
from daypass.portal.http.frame.returns import go_to
from daypass.portal.http.problems import status_of
from daypass.portal.http.web.admin.values import (
    HOURS,
    Known,
    Row,
    Typed,
    chosen,
    known,
    row,
    typed_again,
    typed_value,
)
from daypass.portal.settings.registry import APP_CONFIG, FLAGS, find

ADDRESS = "/administrator/system-settings"


@dataclass(frozen=True, slots=True)
class SystemConfigPage:
    """What the tab shows."""

    rows: Sequence[Row]
    app_configs: Sequence[Known]
    flags: Sequence[Known]
    typed: Typed
    changing: Row | None
    """The setting whose pane is open."""
    is_adding: bool
    wrong: str

    @property
    def hours(self) -> Sequence[tuple[str, str]]:
        """What *Select Duration Hour* offers."""
        return HOURS


@dataclass(frozen=True, slots=True)
class SystemConfigPages:
    """The settings of the whole portal."""

    pages: Pages
    settings: Settings

    def show(self, visit: Visit) -> Response:
        """The tab; with `type` and `key`, and the pane in which that setting is changed."""
        if "key" not in visit.query:
            return self._answer(visit, self._page())
        record = row(self.settings.find(None, visit.query.get("type", ""), visit.query["key"]))
        return self._answer(visit, self._page(changing=record, typed=record.typed))

    def add(self, visit: Visit) -> Response:
        """Add a setting."""
        form = visit.form
        try:
            type_, key = _place(form)
            value = chosen(typed_value(form), "Select or enter a Value.")
            self.settings.put(None, type_, key, value, visit.caller)
        except InvalidRequest as refusal:
            page = self._page(typed=typed_again(form), is_adding=True, wrong=refusal.reason)
            return self._answer(visit, page, status_of(refusal))
        return go_to(ADDRESS, f"{_called(type_, key)} is set to {value}.")

    def change(self, visit: Visit) -> Response:
        """Change a setting, if it is still the one that was shown."""
        form = visit.form
        type_, key, value = form.get("type"), form.get("key"), typed_value(form)
        try:
            self.settings.put(None, type_, key, value, visit.caller, Version(form.get("version")))
        except (InvalidRequest, Changed) as refusal:
            changing = row(self.settings.find(None, type_, key))
            page = self._page(typed=typed_again(form), changing=changing, wrong=refusal.reason)
            return self._answer(visit, page, status_of(refusal))
        return go_to(ADDRESS, f"{_called(type_, key)} is set to {value}.")

    def remove(self, visit: Visit) -> Response:
        """Take a setting away."""
        type_, key = visit.form.get("type"), visit.form.get("key")
        self.settings.remove(None, type_, key, visit.caller)
        return go_to(ADDRESS, f"{_called(type_, key)} is removed, and its default holds again.")

    def _page(
        self,
        *,
        typed: Typed | None = None,
        changing: Row | None = None,
        is_adding: bool = False,
        wrong: str = "",
    ) -> SystemConfigPage:
        return SystemConfigPage(
            rows=[row(record) for record in self.settings.of(None)],
            app_configs=known(APP_CONFIG),
            flags=known(FLAGS),
            typed=typed or Typed(),
            changing=changing,
            is_adding=is_adding,
            wrong=wrong,
        )

    def _answer(self, visit: Visit, page: SystemConfigPage, status: HTTPStatus = HTTPStatus.OK) -> Response:
        return self.pages.show(visit.frame, "web/admin/system-config.html", page, status)


def _place(form: Form) -> tuple[str, str]:
    """The type and the key that the cascade of fields came to; says what is missing in the pane's words."""
    type_ = chosen(form.get("config_type"), "Select a Config Type.")
    if type_ == FLAGS:
        return FLAGS, chosen(form.get("flag_key"), "Select a Key.")
    if type_ == APP_CONFIG:
        return APP_CONFIG, chosen(form.get("app_key"), "Select a Key.")
    other = chosen(form.get("other_type"), "Enter the Other Config Type.")
    return other, chosen(form.get("other_key"), "Enter a Key.")


def _called(type_: str, key: str) -> str:
    setting = find(type_, key)
    return key if setting is None else setting.label
