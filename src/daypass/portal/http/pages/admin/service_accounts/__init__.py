"""The pages about service accounts."""

from daypass.portal.http.pages.admin.service_accounts.pages import routes

__all__ = ["routes"]
