"""Every page under *Administrator* that this folder has."""

from dataclasses import dataclass

from starlette.routing import BaseRoute

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.roles.findings import Examiner
from daypass.portal.admin.settings.duration_report import Durations
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.routing import exact
from daypass.portal.http.layout.endpoints import Page, PageEndpoints
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.admin import (
    audit,
    imports,
    overview,
    role_maxima,
    system_config,
    tenant_list,
    user_list,
)
from daypass.portal.http.pages.admin.audit import AuditPages
from daypass.portal.http.pages.admin.imports import ImportPages
from daypass.portal.http.pages.admin.metadata import MetadataPages
from daypass.portal.http.pages.admin.overview import OverviewPages
from daypass.portal.http.pages.admin.role_maxima import RolePages
from daypass.portal.http.pages.admin.system_config import SystemConfigPages
from daypass.portal.http.pages.admin.tenant_access import AccessPages
from daypass.portal.http.pages.admin.tenant_aws import TenantAwsPages
from daypass.portal.http.pages.admin.tenant_list import TenantPages
from daypass.portal.http.pages.admin.tenant_settings import TenantSettingsPages
from daypass.portal.http.pages.admin.user_detail import UserDetailPages
from daypass.portal.http.pages.admin.user_list import UserPages


def administrator_routes(
    entrance: PageEndpoints,
    pages: PageRenderer,
    administration: Administration,
    durations: Durations,
    doctor: Examiner | None,
    region: str,
) -> list[BaseRoute]:
    """The routes of these pages; all of them are for Administrators."""
    admit = _Routes(entrance)
    return [
        admit.show(overview.ADDRESS, OverviewPages(pages, administration).show),
        *_record(admit, AuditPages(pages, administration)),
        *_system_settings(
            admit,
            SystemConfigPages(pages, administration),
            RolePages(pages, administration.maxima, durations),
        ),
        *_tenants(admit, TenantPages(pages, administration.tenants, region, doctor)),
        *_tenant(
            admit, AccessPages(pages, administration), TenantSettingsPages(pages, administration, durations)
        ),
        *_notes(admit, MetadataPages(pages, administration)),
        *_tenant_aws(admit, TenantAwsPages(pages, administration, durations, doctor)),
        *_users(admit, UserPages(pages, administration), ImportPages(pages, administration.staged)),
        *_user(admit, UserDetailPages(pages, administration)),
    ]


@dataclass(frozen=True, slots=True)
class _Routes:
    """Makes routes for Administrators."""

    entrance: PageEndpoints

    def show(self, path: str, page: Page, *, calls_aws: bool = False) -> BaseRoute:
        endpoint = self.entrance.page(Permission.ADMINISTRATOR, page, calls_aws=calls_aws)
        return exact("GET", path, endpoint)

    def download(self, path: str, page: Page) -> BaseRoute:
        """A page of which each view is recorded."""
        endpoint = self.entrance.page(Permission.ADMINISTRATOR, page)
        return exact("GET", path, endpoint, has_effects=True)

    def act(self, path: str, page: Page, *, calls_aws: bool = False) -> BaseRoute:
        endpoint = self.entrance.act(Permission.ADMINISTRATOR, page, calls_aws=calls_aws)
        return exact("POST", path, endpoint)

    def upload(self, path: str, page: Page, largest: int) -> BaseRoute:
        return exact("POST", path, self.entrance.upload(Permission.ADMINISTRATOR, page, largest))


def _system_settings(admit: _Routes, configs: SystemConfigPages, roles: RolePages) -> list[BaseRoute]:
    here = system_config.ADDRESS
    return [
        admit.show(here, configs.show),
        admit.act(here, configs.add),
        admit.act(f"{here}/change", configs.change),
        admit.act(f"{here}/remove", configs.remove),
        admit.show(role_maxima.ADDRESS, roles.show, calls_aws=True),
        admit.act(role_maxima.ADDRESS, roles.try_again),
    ]


def _record(admit: _Routes, record: AuditPages) -> list[BaseRoute]:
    here = audit.ADDRESS
    return [
        admit.show(here, record.show),
        admit.download(f"{here}/export", record.export),
        admit.act(audit.VERIFY, record.verify),
        admit.show(audit.VERIFY, record.verified),
        admit.show(f"{here}/{{event}}", record.one),
    ]


def _tenants(admit: _Routes, every: TenantPages) -> list[BaseRoute]:
    return [
        admit.show(tenant_list.ADDRESS, every.listed),
        admit.act(tenant_list.ADDRESS, every.create, calls_aws=True),
        admit.act(tenant_list.DELETE, every.delete, calls_aws=True),
    ]


def _tenant(admit: _Routes, access: AccessPages, features: TenantSettingsPages) -> list[BaseRoute]:
    here = f"{tenant_list.ADDRESS}/{{tenant}}"
    return [
        admit.show(here, access.show),
        admit.act(here, access.put),
        admit.act(f"{here}/remove", access.remove),
        # The ruler on this page shows the role's own maximum, which is read from IAM.
        admit.show(f"{here}/settings", features.show, calls_aws=True),
        admit.act(f"{here}/settings", features.add, calls_aws=True),
        admit.act(f"{here}/settings/change", features.change, calls_aws=True),
        admit.act(f"{here}/settings/remove", features.remove, calls_aws=True),
    ]


def _notes(admit: _Routes, notes: MetadataPages) -> list[BaseRoute]:
    here = f"{tenant_list.ADDRESS}/{{tenant}}/metadata"
    return [
        admit.show(here, notes.show),
        admit.act(here, notes.add),
        admit.act(f"{here}/change", notes.change),
        admit.act(f"{here}/remove", notes.remove),
    ]


def _tenant_aws(admit: _Routes, aws: TenantAwsPages) -> list[BaseRoute]:
    here = f"{tenant_list.ADDRESS}/{{tenant}}"
    return [admit.show(f"{here}/sessions", aws.sessions), admit.show(f"{here}/aws", aws.aws, calls_aws=True)]


def _users(admit: _Routes, every: UserPages, taken: ImportPages) -> list[BaseRoute]:
    return [
        admit.show(user_list.ADDRESS, every.listed),
        admit.act(user_list.ADDRESS, every.create),
        admit.act(user_list.DELETE, every.delete),
        admit.show(imports.ADDRESS, taken.show),
        admit.upload(imports.ADDRESS, taken.check, imports.LARGEST_FORM),
        admit.act(imports.DO, taken.do),
    ]


def _user(admit: _Routes, one: UserDetailPages) -> list[BaseRoute]:
    here = f"{user_list.ADDRESS}/{{user}}"
    return [
        admit.show(here, one.show),
        admit.act(here, one.put_access),
        admit.act(f"{here}/remove", one.remove_access),
        admit.act(f"{here}/update", one.update),
        admit.act(f"{here}/password", one.set_password),
        admit.show(f"{here}/tokens", one.show_tokens),
        admit.act(f"{here}/tokens", one.create_token),
        admit.act(f"{here}/tokens/revoke", one.revoke_token),
    ]
