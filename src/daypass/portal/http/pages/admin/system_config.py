"""System Settings, tab System Config: the settings of the whole portal."""

from collections.abc import Sequence
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
from daypass.portal.http.pages.admin.settings_form import SettingChoice, chosen, known
from daypass.portal.http.pages.admin.settings_pages import SettingPages, SettingRef, SettingTable
from daypass.portal.http.services import Services
from daypass.portal.settings.registry import APP_CONFIG, FLAGS

ADDRESS = "/administrator/system-settings"


@dataclass(frozen=True, slots=True)
class SystemConfigPage:
    """The data of the tab."""

    table: SettingTable
    app_configs: Sequence[SettingChoice]
    flags: Sequence[SettingChoice]


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

    def selected_setting(self, form: Form) -> SettingRef:
        """Return the type and key selected in the dependent fields; raises `InvalidRequest`."""
        type_ = chosen(form.get("config_type"), "Select a Config Type.")
        if type_ == FLAGS:
            return FLAGS, chosen(form.get("flag_key"), "Select a Key.")
        if type_ == APP_CONFIG:
            return APP_CONFIG, chosen(form.get("app_key"), "Select a Key.")
        other = chosen(form.get("other_type"), "Enter the Other Config Type.")
        return other, chosen(form.get("other_key"), "Enter a Key.")

    def answer(self, visit: PageVisit, table: SettingTable, status: HTTPStatus) -> Response:
        """Render the tab."""
        page = SystemConfigPage(table, known(APP_CONFIG), known(FLAGS))
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
