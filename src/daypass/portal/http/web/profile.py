"""The profile: who one is here, and every way into AWS."""

from dataclasses import dataclass

from starlette.responses import Response

from daypass.portal.http.frame.entrance import Visit
from daypass.portal.http.frame.pages import Pages


@dataclass(frozen=True, slots=True)
class ProfilePage:
    """What the profile shows."""


@dataclass(frozen=True, slots=True)
class ProfilePages:
    """The profile."""

    pages: Pages

    def show(self, visit: Visit) -> Response:
        """The profile."""
        return self.pages.show(visit.frame, "web/profile.html", ProfilePage())
