"""The login flow: push the request (RFC 9126), wait for the user's consent, redeem the code."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from subprocess import Popen, TimeoutExpired
from time import monotonic

from daypass.cli.auth import terminal
from daypass.cli.auth.callback_server import Callback, CallbackServer, Expected
from daypass.cli.auth.oauth_client import OAuthClient, Tokens
from daypass.cli.auth.pending_login import PendingLogin, PushedRequest
from daypass.cli.auth.session_store import LockedSession, LoginDeclined
from daypass.cli.auth.terminal import Terminal
from daypass.cli.runtime import browser
from daypass.cli.runtime.errors import SignInNeeded
from daypass.cli.runtime.select import wait_readable

ANSWER_TIMEOUT = 180.0
"""Seconds that the user has to answer."""

_BROWSER_TIMEOUT = 2.0

_CODE = re.compile("daypass_code_[A-Za-z0-9]{38}")


@dataclass(frozen=True, slots=True)
class LoginPrompt:
    """The ways in which the user can be prompted to sign in: a browser, a terminal, or both."""

    terminal: Terminal | None
    no_browser_reason: str
    """The reason why no browser on this machine can be used; "" if one can."""
    choice: browser.Choice
    """The browser that --browser or BROWSER names, if any."""
    environment: Mapping[str, str]

    @property
    def can_answer(self) -> bool:
        """Whether the user can sign in: in a browser that reaches this machine, or by pasting a code."""
        return not self.no_browser_reason or self.terminal is not None

    def show(self, text: str) -> None:
        """Write *text* to the terminal, if there is one."""
        if self.terminal is not None:
            self.terminal.show(text)


def find_prompt(flags: Mapping[str, str], environment: Mapping[str, str]) -> LoginPrompt:
    """Return how the user can be prompted, according to flags and environment."""
    user_terminal = terminal.find(environment)
    if "no_browser" in flags:
        return LoginPrompt(user_terminal, "as you asked", browser.Choice(""), environment)
    choice = browser.choose(flags.get("browser", ""), environment)
    why_none = "" if "browser" in flags else browser.unavailable_reason(environment)
    if choice.missing and user_terminal is not None:
        why_none = choice.missing
    return LoginPrompt(user_terminal, why_none, choice, environment)


@dataclass(frozen=True, slots=True)
class LoginFlow:
    """One sign-in on this machine, for tenants or with admin access."""

    client: OAuthClient
    prompt: LoginPrompt
    admin: bool
    tenant: str
    timeout: float = ANSWER_TIMEOUT
    max_age: int | None = None
    """The maximum age in seconds of the authentication that the portal has to ask for; None for any."""

    def run(self, slot: LockedSession) -> Tokens:
        """Return the tokens after the user consented; raise `LoginDeclined`, or the portal's refusal.

        If a process was killed while it waited, this one resumes its request: the page that is already open
        redirects to the same port and path. A request that asked for an older authentication than this
        sign-in needs is not resumed.
        """
        try:
            answer, pushed = self._authorize(slot)
        except KeyboardInterrupt:
            # The user cancelled deliberately, so no other process may resume the request.
            slot.drop_pending()
            raise
        if answer is None:
            raise LoginDeclined("The sign-in was not answered in time. Run `daypass login` to try again.")
        if answer.error:
            raise LoginDeclined("The sign-in was declined. Run `daypass login` to try again.")
        return self.client.redeem(answer.code, pushed)

    def _authorize(self, slot: LockedSession) -> tuple[Callback | None, PushedRequest]:
        if self.prompt.no_browser_reason:
            pushed = self._push(self.client.manual_redirect_uri)
            self._open(pushed)
            self._print_instructions(
                pushed, f"Open this page in a browser ({self.prompt.no_browser_reason}):"
            )
            return self._wait_for_paste(min(self.timeout, pushed.lifetime)), pushed
        pending = slot.pending(self.max_age)
        server = pending and _resume_callback_server(pending)
        if pending is not None and server:
            pushed = pending.pushed
            lead = "A page in your browser waits for your answer already. If you closed it, open:"
        else:
            server = CallbackServer()
            pushed = self._push(server.redirect_uri)
            slot.write_pending(pushed, server.port, server.path)
            self._open(pushed)
            lead = "Your browser opens. If it does not, open:"
        with server:
            self._print_instructions(pushed, lead)
            return self._wait(server, pushed), pushed

    def _push(self, redirect_uri: str) -> PushedRequest:
        return self.client.push(
            redirect_uri, browser.machine(), self.tenant, admin=self.admin, max_age=self.max_age
        )

    def _open(self, pushed: PushedRequest) -> None:
        prompt = self.prompt
        choice = prompt.choice
        if prompt.no_browser_reason and (choice.missing or not choice.command):
            return
        opened = browser.open_url(
            self.client.authorization_url(pushed.request_uri), choice.command, prompt.environment
        )
        if prompt.terminal is None and not _seems_open(opened):
            reason = f": {choice.missing}" if choice.missing else ""
            raise SignInNeeded(f"No browser could be opened{reason}. Run `daypass login` in a terminal.")

    def _print_instructions(self, pushed: PushedRequest, lead: str) -> None:
        access = "admin access" if self.admin else "your tenants"
        self.prompt.show(
            f"daypass: Sign in to {self.client.origin} for {access}.\n"
            f"  {lead}\n    {self.client.authorization_url(pushed.request_uri)}\n"
            f"  Does the page show {pushed.match_code}? If not, cancel it.\n"
            "  If the page gives you a code, paste it here: "
        )

    def _wait(self, server: CallbackServer, pushed: PushedRequest) -> Callback | None:
        terminal, seconds = self.prompt.terminal, min(self.timeout, pushed.lifetime)
        expected = Expected(pushed.state, self.client.origin, self.client.done_url)
        answer = server.wait(expected, seconds, terminal.reads if terminal else None, self._read_pasted_code)
        self.prompt.show("\n")
        return answer

    def _wait_for_paste(self, seconds: float) -> Callback | None:
        terminal = self.prompt.terminal
        until = monotonic() + seconds
        while terminal is not None and (left := until - monotonic()) > 0:
            if wait_readable([terminal.reads], left) and (answer := self._read_pasted_code()):
                return answer
        return None

    def _read_pasted_code(self) -> Callback | None:
        """Return the response for a pasted line; None if the line is not a code."""
        terminal = self.prompt.terminal
        line = terminal.read_line() if terminal else None
        if line is None:
            return Callback("", "the terminal is gone")
        if _CODE.fullmatch(line):
            return Callback(line, "")
        if line:
            self.prompt.show("  That is not the code; copy all of it, and paste it here: ")
        return None


def _resume_callback_server(pending: PendingLogin) -> CallbackServer | None:
    try:
        return CallbackServer(pending.port, pending.path)
    except OSError:
        # Another process uses that port now, so the open page can no longer reach this machine.
        return None


def _seems_open(opened: "Popen[bytes]") -> bool:
    """Return whether the browser seems to have opened: its launcher succeeded or still runs."""
    try:
        return opened.wait(_BROWSER_TIMEOUT) == 0
    except TimeoutExpired:
        return True
