"""The checks of sign-in with the demo's identity provider, by a browser without script."""

import re
from html import unescape
from urllib.parse import urlsplit

from daypass.demo.environment import DemoEnvironment
from daypass.demo.http_client import Browser
from daypass.demo.proof import CheckFailed
from daypass.demo.provider import NAME
from daypass.demo.seed.fixtures import DANA

_ACTION = re.compile(r'<form method="post" action="([^"]+)"')


class ProviderChecks:
    """The checks; the second one ends the session that the first one starts."""

    def __init__(self, environment: DemoEnvironment) -> None:
        self._portal = environment.portal_url
        self._provider = environment.provider_url
        self._browser = Browser(environment.trust)
        self._is_signed_in = False

    def sign_in(self) -> str:
        """Sign in as dana by the provider's button; raises `CheckFailed`."""
        page = self._browser.open(f"{self._portal}/sign-in/oidc/{NAME}")
        action = _ACTION.search(page.text)
        if not page.url.startswith(self._provider) or action is None:
            raise CheckFailed(f"the portal did not redirect to the provider but to {_path(page.url)}")
        self._browser.submit(self._provider + unescape(action[1]), {"person": DANA.username})
        profile = self._browser.open(f"{self._portal}/profile")
        if _path(profile.url) != "/profile" or DANA.username not in profile.text:
            raise CheckFailed(f"the portal shows {_path(profile.url)} after the sign-in")
        self._is_signed_in = True
        return f"as {DANA.username}"

    def sign_out(self) -> str:
        """Sign out at the provider, which ends the portal's session; raises `CheckFailed`."""
        if not self._is_signed_in:
            raise CheckFailed("there is no session to end")
        self._browser.submit(f"{self._provider}/logout", {})
        path = _path(self._browser.open(f"{self._portal}/profile").url)
        if path != "/sign-in":
            raise CheckFailed(f"the portal shows {path} after it")
        return "back-channel logout"


def _path(url: str) -> str:
    """Return the address without its query, which may have a code or a state."""
    return urlsplit(url).path
