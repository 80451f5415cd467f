"""Every page under *Administrator* that this folder has."""

from starlette.routing import BaseRoute

from daypass.portal.admin.administration import Administration
from daypass.portal.http.caller import Permission
from daypass.portal.http.frame.entrance import Page, PageEntrance
from daypass.portal.http.frame.pages import Pages
from daypass.portal.http.route import exact
from daypass.portal.http.web.admin import system_config, tenants
from daypass.portal.http.web.admin.access import AccessPages
from daypass.portal.http.web.admin.features import FeaturePages
from daypass.portal.http.web.admin.system_config import SystemConfigPages
from daypass.portal.http.web.admin.tenants import TenantPages


def administrator_routes(
    entrance: PageEntrance, pages: Pages, administration: Administration, region: str
) -> list[BaseRoute]:
    """The routes of these pages; all of them are for Administrators."""

    def show(path: str, page: Page) -> BaseRoute:
        return exact("GET", path, entrance.page(Permission.ADMINISTRATOR, page))

    def act(path: str, page: Page) -> BaseRoute:
        return exact("POST", path, entrance.act(Permission.ADMINISTRATOR, page))

    config, listed = system_config.ADDRESS, tenants.ADDRESS
    one = f"{listed}/{{tenant}}"
    configs = SystemConfigPages(pages, administration.settings)
    every = TenantPages(pages, administration.tenants, region)
    access, features = AccessPages(pages, administration), FeaturePages(pages, administration)
    return [
        show(config, configs.show),
        act(config, configs.add),
        act(f"{config}/change", configs.change),
        act(f"{config}/remove", configs.remove),
        show(listed, every.listed),
        act(listed, every.create),
        act(tenants.DELETE, every.delete),
        show(one, access.show),
        act(one, access.put),
        act(f"{one}/remove", access.remove),
        show(f"{one}/settings", features.show),
        act(f"{one}/settings", features.add),
        act(f"{one}/settings/change", features.change),
        act(f"{one}/settings/remove", features.remove),
    ]
