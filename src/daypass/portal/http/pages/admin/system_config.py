"""System Settings, tab System Config: the settings of the whole portal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import Response
from starlette.routing import BaseRoute

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.settings.service import Settings
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.forms import Form
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.admin.settings_form import SettingField, fields_of, require_text
from daypass.portal.http.pages.admin.settings_pages import AddedSetting, SettingPages, SettingTable
from daypass.portal.http.services import Services

ADDRESS = "/administrator/system-settings"

OTHER = "Other"


@dataclass(frozen=True, slots=True)
class SystemConfigPage:
    """The data of the tab."""

    table: SettingTable
    fields: Mapping[str, Sequence[SettingField]]
    """The form fields of the settings of each type."""

    @property
    def type_options(self) -> Sequence[tuple[str, str]]:
        """The options of *Config Type*; *Other* is for settings of other tools."""
        return [("", "Select a type"), *((type_, type_) for type_ in self.fields), (OTHER, OTHER)]


@dataclass(frozen=True, slots=True)
class SystemConfigPages(SettingPages):
    """Handlers of the settings of the whole portal."""

    pages: PageRenderer
    administration: Administration

    @property
    def settings(self) -> Settings:
        """The service that changes settings."""
        return self.administration.settings

    def owner(self, visit: PageVisit) -> None:
        """Return None: the settings belong to the system."""

    def address(self, visit: PageVisit) -> str:  # noqa: ARG002  a tenant's address depends on the visit
        """Return the address of the tab."""
        return ADDRESS

    def added(self, form: Form) -> AddedSetting:
        """Return the setting that the dependent fields name, and its value; raises `InvalidRequest`."""
        type_ = require_text(form.get("config_type"), "Select a Config Type.", "config_type")
        if type_ in self.settings.registry.system_types:
            key = require_text(form.get(f"key:{type_}"), "Select a Key.", f"key:{type_}")
            field = SettingField(self.settings.registry.find(type_, key))
            names = {"type": "config_type", "key": f"key:{type_}", "value": field.name_in(form)}
            return AddedSetting((type_, key), field.read(form), names)
        other = require_text(form.get("other_type"), "Enter the Other Config Type.", "other_type")
        key = require_text(form.get("other_key"), "Enter a Key.", "other_key")
        names = {"type": "other_type", "key": "other_key", "value": "other_value"}
        return AddedSetting((other, key), form.get("other_value"), names)

    def answer(self, visit: PageVisit, table: SettingTable, status: HTTPStatus) -> Response:
        """Render the tab."""
        registry = self.settings.registry
        fields = {type_: fields_of(registry, type_) for type_ in registry.system_types}
        page = SystemConfigPage(table, fields)
        return self.pages.show(visit.layout, "pages/admin/system-config.html", page, status)


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""
    administrator = services.page_routes(Permission.ADMINISTRATOR)
    pages = SystemConfigPages(services.pages, services.administration)
    return [
        administrator.page(ADDRESS, pages.show),
        administrator.form(ADDRESS, pages.add),
        administrator.form(f"{ADDRESS}/change", pages.change),
        administrator.form(f"{ADDRESS}/remove", pages.remove),
    ]
