"""A tenant's tab Settings: what is set for it alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import Response

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.settings.duration_report import Durations
from daypass.portal.admin.settings.service import Settings
from daypass.portal.http.layout.endpoints import Visit
from daypass.portal.http.layout.forms import Form
from daypass.portal.http.layout.rendering import Pages
from daypass.portal.http.pages.admin.duration_chart import Drawn, drawn
from daypass.portal.http.pages.admin.settings_form import Known, chosen, known
from daypass.portal.http.pages.admin.settings_pages import Place, SettingPages, SettingTable
from daypass.portal.http.pages.admin.tenant_list import ADDRESS
from daypass.portal.http.pages.admin.tenant_tabs import Band, band
from daypass.portal.settings.registry import TENANT


@dataclass(frozen=True, slots=True)
class FeaturesPage:
    """What the tab shows."""

    band: Band
    ruler: Drawn
    table: SettingTable
    features: Sequence[Known]


@dataclass(frozen=True, slots=True)
class FeaturePages(SettingPages):
    """The settings of one tenant."""

    pages: Pages
    administration: Administration
    durations: Durations

    @property
    def settings(self) -> Settings:
        """What is done with settings."""
        return self.administration.settings

    def owner(self, visit: Visit) -> str:
        """The tenant of the address; raises `TenantNotFound`."""
        return self.administration.tenants.find(visit.path["tenant"]).tenant.id

    def address(self, visit: Visit) -> str:
        """Where the tab is."""
        return f"{ADDRESS}/{self.owner(visit)}/settings"

    def place(self, form: Form) -> Place:
        """The feature that was selected."""
        return TENANT, chosen(form.get("key"), "Select a feature.")

    def answer(self, visit: Visit, table: SettingTable, status: HTTPStatus) -> Response:
        """The tab."""
        head = band(self.administration.tenants, visit)
        page = FeaturesPage(head, drawn(self.durations.of_tenant(head.tenant.id)), table, known(TENANT))
        return self.pages.show(visit.frame, "pages/admin/tenant-settings.html", page, status)
