"""Requests AWS access through every channel, one after the other."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

from playwright.sync_api import APIResponse

from daypass.portal.http.layout.csrf import FIELD
from daypass.portal.http.legacy.local_access import PAGE as LOCAL_ACCESS
from tests.browser.laptop import Laptop, authorize
from tests.browser.listener import listening
from tests.fixtures.browser import User

PAGES = frozenset({"/console", "/console-url", "/credentials"})
"""The addresses of the page forms that issue access."""

ALL_CHANNELS = PAGES | {"API", "legacy API", "Local Access", "CLI"}


@dataclass(frozen=True, slots=True)
class AccessChannels:
    """A signed-in user who requests the same access through every channel."""

    user: User
    username: str
    home: Path
    tenant: str | None
    """The tenant; None for admin access."""

    def granting_access(self, channels: Collection[str] = ALL_CHANNELS) -> set[str]:
        """Return those of *channels* that grant access; fails if one fails other than by a refusal."""
        return {channel for channel in channels if self._grants_access(channel)}

    def _grants_access(self, channel: str) -> bool:
        token = self.user.demo.token(self.username)
        match channel:
            case "API":
                asked = {"admin": True} if self.tenant is None else {"tenant": self.tenant}
                return self.user.demo.visitor(token).session(**asked).status == HTTPStatus.CREATED
            case "legacy API":
                return _is_given(self._by_legacy_call(token))
            case "Local Access":
                approval = self._approval()
                return approval is not None and _is_given(self._by_legacy_call(approval))
            case "CLI":
                return self._by_cli()
        answer = self._by_page(channel)
        # Refused by policy, not because of a malformed request.
        assert _is_given(answer) or answer.json()["code"] in {"jit_disabled", "access_denied"}
        return _is_given(answer)

    def _by_page(self, address: str) -> APIResponse:
        form = {
            FIELD: self.user.csrf("/profile"),
            **({"scope": "admin"} if self.tenant is None else {"tenant": self.tenant}),
        }
        # Submitted by hand, because the page has no button for what is refused.
        return self._send("POST", address, {"Origin": self.user.demo.portal_url}, form)

    def _by_legacy_call(self, token: str) -> APIResponse:
        path = "/adminproxy/GetJITAwsConsoleAccessUrl"
        if self.tenant is not None:
            id_ = self.user.demo.tenants[self.tenant]["id"]
            path = f"/subscriptions/{id_}/GetAwsConsoleTokenUrl"
        return self._send("GET", path, {"Authorization": f"Bearer {token}"})

    def _by_cli(self) -> bool:
        """Sign in with a fresh CLI, and request access there."""
        self.home.mkdir()
        laptop = Laptop(self.user.demo, self.home)
        scope = ("--admin",) if self.tenant is None else ("--tenant", self.tenant)
        with laptop.types("aws", *scope) as terminal:
            page = self.user.visit(laptop.address())
            if page.get_by_role("button", name="Authorize", exact=True).count():
                authorize(page)
            else:
                terminal.press_ctrl_c()
            code, _ = terminal.end()
        assert code in {0, 4, 130}, terminal.seen
        return code == 0

    def _approval(self) -> str | None:
        """Return the token that the browser delivers to a legacy client; None if the page refuses."""
        with listening() as listener:
            asked = {"localAppName": "duplo-jit", "localPort": str(listener.port), "redirect": "true"}
            wanted = {"isAdmin": "true"} if self.tenant is None else {}
            page = self.user.visit(f"{LOCAL_ACCESS}?{urlencode(asked | wanted)}")
            if page.get_by_role("alert").count():
                return None
            page.get_by_role("button", name="Authorize").click()
            return parse_qs(urlsplit(listener.next().path).query)["t"][0]

    def _send(
        self, method: str, path: str, headers: Mapping[str, str], form: Mapping[str, str] | None = None
    ) -> APIResponse:
        return self.user.context.request.fetch(
            f"{self.user.demo.portal_url}{path}",
            method=method,
            headers=dict(headers),
            form=None if form is None else dict(form),
            max_redirects=0,
        )


def _is_given(answer: APIResponse) -> bool:
    assert answer.status in {200, 303, 403}, answer.text()
    return answer.status != 403
