"""The routes of the pages under *Administrator*."""

from dataclasses import dataclass

from starlette.routing import BaseRoute

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.roles.findings import Examiner
from daypass.portal.admin.settings.duration_report import DurationReports
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
    endpoints: PageEndpoints,
    pages: PageRenderer,
    administration: Administration,
    durations: DurationReports,
    doctor: Examiner | None,
    region: str,
) -> list[BaseRoute]:
    """Return the routes; all of them require an Administrator."""
    make = _Routes(endpoints)
    return [
        make.show(overview.ADDRESS, OverviewPages(pages, administration).show),
        *_audit(make, AuditPages(pages, administration)),
        *_system_settings(
            make,
            SystemConfigPages(pages, administration),
            RolePages(pages, administration.role_reconciler, durations),
        ),
        *_tenants(make, TenantPages(pages, administration.tenants, region, doctor)),
        *_tenant(
            make, AccessPages(pages, administration), TenantSettingsPages(pages, administration, durations)
        ),
        *_metadata(make, MetadataPages(pages, administration)),
        *_tenant_aws(make, TenantAwsPages(pages, administration, durations, doctor)),
        *_users(make, UserPages(pages, administration), ImportPages(pages, administration.import_jobs)),
        *_user(make, UserDetailPages(pages, administration)),
    ]


@dataclass(frozen=True, slots=True)
class _Routes:
    """Makes routes that require an Administrator."""

    endpoints: PageEndpoints

    def show(self, path: str, page: Page, *, calls_aws: bool = False) -> BaseRoute:
        endpoint = self.endpoints.page(Permission.ADMINISTRATOR, page, calls_aws=calls_aws)
        return exact("GET", path, endpoint)

    def download(self, path: str, page: Page) -> BaseRoute:
        """Return the route of a page that records each view in the audit log."""
        endpoint = self.endpoints.page(Permission.ADMINISTRATOR, page)
        return exact("GET", path, endpoint, has_effects=True)

    def act(self, path: str, page: Page, *, calls_aws: bool = False) -> BaseRoute:
        endpoint = self.endpoints.form(Permission.ADMINISTRATOR, page, calls_aws=calls_aws)
        return exact("POST", path, endpoint)

    def upload(self, path: str, page: Page, largest: int) -> BaseRoute:
        return exact("POST", path, self.endpoints.upload(Permission.ADMINISTRATOR, page, largest))


def _system_settings(make: _Routes, configs: SystemConfigPages, roles: RolePages) -> list[BaseRoute]:
    here = system_config.ADDRESS
    return [
        make.show(here, configs.show),
        make.act(here, configs.add),
        make.act(f"{here}/change", configs.change),
        make.act(f"{here}/remove", configs.remove),
        make.show(role_maxima.ADDRESS, roles.show, calls_aws=True),
        make.act(role_maxima.ADDRESS, roles.try_again),
    ]


def _audit(make: _Routes, audit_pages: AuditPages) -> list[BaseRoute]:
    here = audit.ADDRESS
    return [
        make.show(here, audit_pages.show),
        make.download(f"{here}/export", audit_pages.export),
        make.act(audit.VERIFY, audit_pages.verify),
        make.show(audit.VERIFY, audit_pages.verified),
        make.show(f"{here}/{{event}}", audit_pages.one),
    ]


def _tenants(make: _Routes, listing: TenantPages) -> list[BaseRoute]:
    return [
        make.show(tenant_list.ADDRESS, listing.listed),
        make.act(tenant_list.ADDRESS, listing.create, calls_aws=True),
        make.act(tenant_list.DELETE, listing.delete, calls_aws=True),
    ]


def _tenant(make: _Routes, access: AccessPages, features: TenantSettingsPages) -> list[BaseRoute]:
    here = f"{tenant_list.ADDRESS}/{{tenant}}"
    return [
        make.show(here, access.show),
        make.act(here, access.put),
        make.act(f"{here}/remove", access.remove),
        # The ruler on this page needs the role's maximum session duration, which is read from IAM.
        make.show(f"{here}/settings", features.show, calls_aws=True),
        make.act(f"{here}/settings", features.add, calls_aws=True),
        make.act(f"{here}/settings/change", features.change, calls_aws=True),
        make.act(f"{here}/settings/remove", features.remove, calls_aws=True),
    ]


def _metadata(make: _Routes, metadata: MetadataPages) -> list[BaseRoute]:
    here = f"{tenant_list.ADDRESS}/{{tenant}}/metadata"
    return [
        make.show(here, metadata.show),
        make.act(here, metadata.add),
        make.act(f"{here}/change", metadata.change),
        make.act(f"{here}/remove", metadata.remove),
    ]


def _tenant_aws(make: _Routes, aws: TenantAwsPages) -> list[BaseRoute]:
    here = f"{tenant_list.ADDRESS}/{{tenant}}"
    return [make.show(f"{here}/sessions", aws.sessions), make.show(f"{here}/aws", aws.aws, calls_aws=True)]


def _users(make: _Routes, listing: UserPages, imported: ImportPages) -> list[BaseRoute]:
    return [
        make.show(user_list.ADDRESS, listing.listed),
        make.act(user_list.ADDRESS, listing.create),
        make.act(user_list.DELETE, listing.delete),
        make.show(imports.ADDRESS, imported.show),
        make.upload(imports.ADDRESS, imported.check, imports.LARGEST_FORM),
        make.act(imports.DO, imported.do),
    ]


def _user(make: _Routes, user: UserDetailPages) -> list[BaseRoute]:
    here = f"{user_list.ADDRESS}/{{user}}"
    return [
        make.show(here, user.show),
        make.act(here, user.put_access),
        make.act(f"{here}/remove", user.remove_access),
        make.act(f"{here}/update", user.update),
        make.act(f"{here}/password", user.set_password),
        make.show(f"{here}/tokens", user.show_tokens),
        make.act(f"{here}/tokens", user.create_token),
        make.act(f"{here}/tokens/revoke", user.revoke_token),
    ]
