"""Every page under *Administrator* that this folder has."""

from dataclasses import dataclass

from starlette.routing import BaseRoute

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.roles.findings import Examiner
from daypass.portal.admin.settings.duration_report import Durations
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.routing import exact
from daypass.portal.http.layout.endpoints import Page, PageEntrance
from daypass.portal.http.layout.rendering import Pages
from daypass.portal.http.web.admin import audit, imports, overview, role_maxima, system_config, tenants, users
from daypass.portal.http.web.admin.access import AccessPages
from daypass.portal.http.web.admin.audit import AuditPages
from daypass.portal.http.web.admin.features import FeaturePages
from daypass.portal.http.web.admin.imports import ImportPages
from daypass.portal.http.web.admin.notes import NotePages
from daypass.portal.http.web.admin.overview import OverviewPages
from daypass.portal.http.web.admin.role_maxima import RolePages
from daypass.portal.http.web.admin.system_config import SystemConfigPages
from daypass.portal.http.web.admin.tenant_aws import TenantAwsPages
from daypass.portal.http.web.admin.tenants import TenantPages
from daypass.portal.http.web.admin.user import OneUserPages
from daypass.portal.http.web.admin.users import UserPages


def administrator_routes(
    entrance: PageEntrance,
    pages: Pages,
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
        *_tenant(admit, AccessPages(pages, administration), FeaturePages(pages, administration, durations)),
        *_notes(admit, NotePages(pages, administration)),
        *_tenant_aws(admit, TenantAwsPages(pages, administration, durations, doctor)),
        *_users(admit, UserPages(pages, administration), ImportPages(pages, administration.staged)),
        *_user(admit, OneUserPages(pages, administration)),
    ]


@dataclass(frozen=True, slots=True)
class _Routes:
    """Makes routes for Administrators."""

    entrance: PageEntrance

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
        admit.show(tenants.ADDRESS, every.listed),
        admit.act(tenants.ADDRESS, every.create, calls_aws=True),
        admit.act(tenants.DELETE, every.delete, calls_aws=True),
    ]


def _tenant(admit: _Routes, access: AccessPages, features: FeaturePages) -> list[BaseRoute]:
    here = f"{tenants.ADDRESS}/{{tenant}}"
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


def _notes(admit: _Routes, notes: NotePages) -> list[BaseRoute]:
    here = f"{tenants.ADDRESS}/{{tenant}}/metadata"
    return [
        admit.show(here, notes.show),
        admit.act(here, notes.add),
        admit.act(f"{here}/change", notes.change),
        admit.act(f"{here}/remove", notes.remove),
    ]


def _tenant_aws(admit: _Routes, aws: TenantAwsPages) -> list[BaseRoute]:
    here = f"{tenants.ADDRESS}/{{tenant}}"
    return [admit.show(f"{here}/sessions", aws.sessions), admit.show(f"{here}/aws", aws.aws, calls_aws=True)]


def _users(admit: _Routes, every: UserPages, taken: ImportPages) -> list[BaseRoute]:
    return [
        admit.show(users.ADDRESS, every.listed),
        admit.act(users.ADDRESS, every.create),
        admit.act(users.DELETE, every.delete),
        admit.show(imports.ADDRESS, taken.show),
        admit.upload(imports.ADDRESS, taken.check, imports.LARGEST_FORM),
        admit.act(imports.DO, taken.do),
    ]


def _user(admit: _Routes, one: OneUserPages) -> list[BaseRoute]:
    here = f"{users.ADDRESS}/{{user}}"
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
