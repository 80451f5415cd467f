"""Makes pages: templates that print what they are given, and the headers that every page has."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from jinja2 import Environment, PackageLoader, PrefixLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from daypass.portal.http.core.duration_text import written
from daypass.portal.http.layout import time_format
from daypass.portal.http.layout.assets import Assets
from daypass.portal.http.layout.cookies import NOTICE, delete_cookie
from daypass.portal.http.layout.csrf import FIELD
from daypass.portal.http.layout.page_layout import PageLayout

PRODUCT = "Daypass"


def page_headers(form_origins: Sequence[str]) -> Mapping[str, str]:
    """The headers of every page; *form_origins* are where the answer to a form may lead besides ourselves."""
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "connect-src": "'self'",
        # A form answered by 303 to another origin is held to this, in a new tab or not.
        "form-action": " ".join(("'self'", *form_origins)),
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        # no-referrer would make browsers say “Origin: null” of our own forms.
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }


class Templates:
    """Every template of the frame and of the doors that have some: `layout/page.html`, `pages/profile.html`.

    Each is compiled when it is first shown, once for all portals that share these.
    """

    def __init__(self, assets: Assets, doors: Sequence[str]) -> None:
        self.assets = assets
        self.environment = Environment(
            loader=PrefixLoader(
                {door: PackageLoader(f"daypass.portal.http.{door}") for door in ("layout", *doors)}
            ),
            autoescape=True,
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
            "written": written,
        }


class PageRenderer:
    """Makes pages. A template gets `page`, the object that its page made, and `frame`, what surrounds it."""

    def __init__(self, templates: Templates, form_origins: Sequence[str] = ()) -> None:
        self.headers = page_headers(form_origins)
        self._environment = templates.environment

    def show(
        self, frame: PageLayout, template: str, page: object, status: HTTPStatus = HTTPStatus.OK
    ) -> Response:
        """A page in the frame."""
        response = self._answer(template, {"frame": frame, "page": page}, status)
        if frame.notice:
            delete_cookie(response, NOTICE)
        return response

    def show_alone(
        self, template: str, page: object, status: HTTPStatus = HTTPStatus.OK, *, theme: str = ""
    ) -> Response:
        """A page without the frame, for whoever has none: it extends `layout/alone.html`."""
        return self._answer(template, {"page": page, "theme": theme}, status)

    def _answer(self, template: str, given: Mapping[str, object], status: HTTPStatus) -> Response:
        text = self._environment.get_template(template).render(given)
        return HTMLResponse(text, status, self.headers)
