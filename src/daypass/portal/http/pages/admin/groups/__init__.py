"""The pages about groups, and the groups of one user and of one tenant."""

from daypass.portal.http.pages.admin.groups.routes import routes

__all__ = ["routes"]
