"""The pages about workload rules."""

from daypass.portal.http.pages.admin.workload_rules.pages import routes

__all__ = ["routes"]
