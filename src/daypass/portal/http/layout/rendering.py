"""Renders pages from templates, and sets the headers of every page."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from jinja2 import Environment, PackageLoader, PrefixLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from daypass.common.duration_text import format_duration
from daypass.portal.http.layout import time_format
from daypass.portal.http.layout.assets import Assets
from daypass.portal.http.layout.cookies import NOTICE, delete_cookie
from daypass.portal.http.layout.csrf import FIELD
from daypass.portal.http.layout.page_layout import PageLayout

PRODUCT = "Daypass"


def page_headers(form_origins: Sequence[str]) -> Mapping[str, str]:
    """Return the headers of every page; *form_origins* are other origins that a form may redirect to."""
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "connect-src": "'self'",
        # form-action also governs the redirect that answers a form, in a new tab or not.
        "form-action": " ".join(("'self'", *form_origins)),
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
        # Browsers then refuse every write of a string to `innerHTML` and the like, which our scripts do not
        # need.
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        # With no-referrer browsers would send “Origin: null” with our own forms.
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        # For browsers that do not know frame-ancestors.
        "X-Frame-Options": "DENY",
    }


class Templates:
    """The templates of the layout and of the packages with pages: `layout/page.html`, `pages/profile.html`.

    Each is compiled at its first use, once for all portals that share this object.
    """

    def __init__(self, assets: Assets, packages: Sequence[str]) -> None:
        self.assets = assets
        self.environment = Environment(
            loader=PrefixLoader(
                {name: PackageLoader(f"daypass.portal.http.{name}") for name in ("layout", *packages)}
            ),
            autoescape=True,
            # A misspelled name in a template would otherwise print nothing.
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self.environment.globals |= {
            "asset": assets.url,
            "scripts": assets.scripts,
            "product": PRODUCT,
            "csrf_field": FIELD,
        }
        self.environment.filters |= {
            "exact": time_format.exact,
            "day": time_format.day,
            "short": time_format.short,
            "left": time_format.left,
            "ago": time_format.ago,
            "written": format_duration,
        }


class PageRenderer:
    """Renders pages. Templates get `page`, the data of the page, and `layout`, the `PageLayout` around it."""

    def __init__(self, templates: Templates, form_origins: Sequence[str] = ()) -> None:
        self.headers = page_headers(form_origins)
        self._environment = templates.environment

    def show(
        self, layout: PageLayout, template: str, page: object, status: HTTPStatus = HTTPStatus.OK
    ) -> Response:
        """Render a page within the layout."""
        response = self._answer(template, {"layout": layout, "page": page}, status)
        # The page shows the notice, so the next one must not.
        if layout.notice:
            delete_cookie(response, NOTICE)
        return response

    def show_alone(
        self, template: str, page: object, status: HTTPStatus = HTTPStatus.OK, *, theme: str = ""
    ) -> Response:
        """Render a page without the layout, such as the sign-in page; it extends `layout/alone.html`."""
        return self._answer(template, {"page": page, "theme": theme}, status)

    def _answer(self, template: str, context: Mapping[str, object], status: HTTPStatus) -> Response:
        text = self._environment.get_template(template).render(context)
        return HTMLResponse(text, status, self.headers)
