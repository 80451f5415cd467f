"""Routes of pages and forms that require one permission."""

from dataclasses import dataclass

from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.routing import ExactRoute, exact
from daypass.portal.http.core.threadpool import ThreadPool
from daypass.portal.http.layout.endpoints import Page, PageEndpoints


@dataclass(frozen=True, slots=True)
class PageRoutes:
    """Makes the routes of pages and forms that all require the same permission."""

    endpoints: PageEndpoints
    permission: Permission

    def page(
        self,
        path: str,
        handler: Page,
        *,
        calls_aws: bool = False,
        pool: ThreadPool | None = None,
        has_effects: bool = False,
    ) -> ExactRoute:
        """Return the route of a page (GET).

        *calls_aws* selects the thread pool for handlers that wait for AWS, and *pool* another one.
        *has_effects* marks a page whose display is recorded or starts something: it does not take HEAD.
        """
        endpoint = self.endpoints.page(self.permission, handler, calls_aws=calls_aws, pool=pool)
        return exact("GET", path, endpoint, has_effects=has_effects)

    def form(
        self, path: str, handler: Page, *, calls_aws: bool = False, pool: ThreadPool | None = None
    ) -> ExactRoute:
        """Return the route of a form (POST); the handler runs only after the CSRF checks."""
        endpoint = self.endpoints.form(self.permission, handler, calls_aws=calls_aws, pool=pool)
        return exact("POST", path, endpoint)

    def upload(self, path: str, handler: Page, largest: int) -> ExactRoute:
        """Return the route of a form with a file of at most *largest* bytes."""
        return exact("POST", path, self.endpoints.upload(self.permission, handler, largest))
