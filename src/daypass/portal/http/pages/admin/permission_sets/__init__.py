"""The pages about permission sets."""

from daypass.portal.http.pages.admin.permission_sets.pages import routes

__all__ = ["routes"]
