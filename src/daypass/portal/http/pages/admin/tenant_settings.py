"""A tenant's tab Settings: what is set for it alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import Response

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.settings.duration_report import Durations
from daypass.portal.admin.settings.service import Settings
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.forms import Form
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.admin.duration_chart import DurationChart, drawn
from daypass.portal.http.pages.admin.settings_form import SettingChoice, chosen, known
from daypass.portal.http.pages.admin.settings_pages import SettingPages, SettingRef, SettingTable
from daypass.portal.http.pages.admin.tenant_list import ADDRESS
from daypass.portal.http.pages.admin.tenant_tabs import TenantHeading, band
from daypass.portal.settings.registry import TENANT


@dataclass(frozen=True, slots=True)
class TenantSettingsPage:
    """What the tab shows."""

    band: TenantHeading
    ruler: DurationChart
    table: SettingTable
    features: Sequence[SettingChoice]


@dataclass(frozen=True, slots=True)
class TenantSettingsPages(SettingPages):
    """The settings of one tenant."""

    pages: PageRenderer
    administration: Administration
    durations: Durations

    @property
    def settings(self) -> Settings:
        """What is done with settings."""
        return self.administration.settings

    def owner(self, visit: PageVisit) -> str:
        """The tenant of the address; raises `TenantNotFound`."""
        return self.administration.tenants.find(visit.path["tenant"]).tenant.id

    def address(self, visit: PageVisit) -> str:
        """Where the tab is."""
        return f"{ADDRESS}/{self.owner(visit)}/settings"

    def place(self, form: Form) -> SettingRef:
        """The feature that was selected."""
        return TENANT, chosen(form.get("key"), "Select a feature.")

    def answer(self, visit: PageVisit, table: SettingTable, status: HTTPStatus) -> Response:
        """The tab."""
        head = band(self.administration.tenants, visit)
        page = TenantSettingsPage(head, drawn(self.durations.of_tenant(head.tenant.id)), table, known(TENANT))
        return self.pages.show(visit.frame, "pages/admin/tenant-settings.html", page, status)
