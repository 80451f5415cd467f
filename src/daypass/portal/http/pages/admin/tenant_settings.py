"""A tenant's tab Settings."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import groupby

from starlette.responses import Response
from starlette.routing import BaseRoute

from daypass.portal.accounts.services import TenantService
from daypass.portal.admin.administration import Administration
from daypass.portal.admin.settings.duration_report import DurationReports
from daypass.portal.admin.settings.service import Settings
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.forms import Form
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.admin.duration_chart import DurationChart, draw_chart
from daypass.portal.http.pages.admin.settings_form import SettingField, fields_of, require_text
from daypass.portal.http.pages.admin.settings_pages import AddedSetting, SettingPages, SettingTable
from daypass.portal.http.pages.admin.tenant_list import ADDRESS, TENANT_PATH
from daypass.portal.http.pages.admin.tenant_tabs import TenantHeading, tenant_heading
from daypass.portal.http.services import Services
from daypass.portal.settings.setting import TENANT


@dataclass(frozen=True, slots=True)
class TenantSettingsPage:
    """The data of the tab."""

    heading: TenantHeading
    ruler: DurationChart
    table: SettingTable
    fields: Sequence[SettingField]
    groups: Sequence[tuple[str, Sequence[TenantService]]]
    """The services that tenants may use, by category."""


@dataclass(frozen=True, slots=True)
class TenantSettingsPages(SettingPages):
    """Handlers of the settings of one tenant."""

    pages: PageRenderer
    administration: Administration
    durations: DurationReports
    services: Sequence[TenantService]

    @property
    def settings(self) -> Settings:
        """The service that changes settings."""
        return self.administration.settings

    def owner(self, visit: PageVisit) -> str:
        """Return the id of the tenant in the address; raises `TenantNotFound`."""
        return self.administration.tenants.find(visit.path["tenant"]).tenant.id

    def address(self, visit: PageVisit) -> str:
        """Return the address of the tab."""
        return f"{ADDRESS}/{self.owner(visit)}/settings"

    def added(self, form: Form) -> AddedSetting:
        """Return the selected feature and its value; raises `InvalidRequest` if there is no feature."""
        key = require_text(form.get("key"), "Select a feature.", "key")
        field = SettingField(self.settings.registry.find(TENANT, key))
        return AddedSetting((TENANT, key), field.read(form), {"key": "key", "value": field.name_in(form)})

    def answer(self, visit: PageVisit, table: SettingTable, status: HTTPStatus) -> Response:
        """Render the tab."""
        heading = tenant_heading(self.administration.tenants, visit)
        chart = draw_chart(self.durations.of_tenant(heading.tenant.id))
        groups = [
            (category, list(services))
            for category, services in groupby(self.services, key=lambda service: service.category)
        ]
        page = TenantSettingsPage(heading, chart, table, fields_of(self.settings.registry, TENANT), groups)
        return self.pages.show(visit.layout, "pages/admin/tenant-settings.html", page, status)


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""
    administrator = services.page_routes(Permission.ADMINISTRATOR)
    pages = TenantSettingsPages(
        services.pages, services.administration, services.durations, services.tenant_services
    )
    address = f"{TENANT_PATH}/settings"
    # All wait for AWS: the duration ruler needs the role's maximum session duration, which is read from IAM.
    return [
        administrator.page(address, pages.show, calls_aws=True),
        administrator.form(address, pages.add, calls_aws=True),
        administrator.form(f"{address}/change", pages.change, calls_aws=True),
        administrator.form(f"{address}/remove", pages.remove, calls_aws=True),
    ]
