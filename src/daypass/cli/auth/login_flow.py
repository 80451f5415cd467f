"""Signing in: the portal is asked, a person answers in the browser, and this machine gets tokens."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from subprocess import Popen, TimeoutExpired
from time import monotonic

from daypass.cli.auth import terminal
from daypass.cli.auth.callback_server import Callback, CallbackServer, Expected
from daypass.cli.auth.oauth_client import OAuthClient, Tokens
from daypass.cli.auth.pending_login import Pending, Pushed
from daypass.cli.auth.session_store import LockedSession, LoginDeclined
from daypass.cli.auth.terminal import Terminal
from daypass.cli.runtime import browser
from daypass.cli.runtime.errors import SignInNeeded
from daypass.cli.runtime.select import wait_readable

PATIENCE = 180.0
"""Seconds that a person gets to answer."""

_A_MOMENT = 2.0

_CODE = re.compile("daypass_code_[A-Za-z0-9]{38}")


@dataclass(frozen=True, slots=True)
class LoginPrompt:
    """Who is there to answer, and how they can be reached."""

    terminal: Terminal | None
    no_browser: str
    """Why no browser on this machine can be opened; "" where one can."""
    choice: browser.Choice
    """The browser that was named, if one was."""
    environment: Mapping[str, str]

    @property
    def can_answer(self) -> bool:
        """Whether a sign-in can be had: in a browser that reaches us, or with a code that is pasted."""
        return not self.no_browser or self.terminal is not None

    def say(self, text: str) -> None:
        """Tell them, where there is a terminal."""
        if self.terminal is not None:
            self.terminal.say(text)


def person_here(flags: Mapping[str, str], environment: Mapping[str, str]) -> LoginPrompt:
    """Who is there, by what was typed and what the environment says."""
    here = terminal.find(environment)
    if "no_browser" in flags:
        return LoginPrompt(here, "as you asked", browser.Choice(""), environment)
    choice = browser.chosen(flags.get("browser", ""), environment)
    why_none = "" if "browser" in flags else browser.why_none(environment)
    if choice.missing and here is not None:
        why_none = choice.missing
    return LoginPrompt(here, why_none, choice, environment)


@dataclass(frozen=True, slots=True)
class LoginFlow:
    """One sign-in of this machine, for tenants or with admin access."""

    doorway: OAuthClient
    person: LoginPrompt
    admin: bool
    tenant: str
    patience: float = PATIENCE

    def run(self, slot: LockedSession) -> Tokens:
        """The tokens, once a person agreed; raises `LoginDeclined`, or what the portal refuses.

        If a process that began this was killed meanwhile, this one takes its place: the page that is open
        already leads here.
        """
        try:
            answer, pushed = self._ask(slot)
        except KeyboardInterrupt:
            # Somebody ended it on purpose: nobody is to go on with it.
            slot.drop_pending()
            raise
        if answer is None:
            raise LoginDeclined("Nobody answered the sign-in in time. Run `daypass login` to try again.")
        if answer.error:
            raise LoginDeclined("The sign-in was declined. Run `daypass login` to try again.")
        return self.doorway.redeem(answer.code, pushed)

    def _ask(self, slot: LockedSession) -> tuple[Callback | None, Pushed]:
        if self.person.no_browser:
            pushed = self._push(self.doorway.paste_back)
            self._open(pushed)
            self._explain(pushed, f"Open this page in a browser ({self.person.no_browser}):")
            return self._wait_for_paste(min(self.patience, pushed.life)), pushed
        pending = slot.pending()
        listener = pending and _listening_again(pending)
        if pending is not None and listener:
            pushed = pending.pushed
            lead = "A page in your browser waits for your answer already. If you closed it, open:"
        else:
            listener = CallbackServer()
            pushed = self._push(listener.redirect_uri)
            slot.write_pending(Pending(pushed, listener.port, listener.path))
            self._open(pushed)
            lead = "Your browser opens. If it does not, open:"
        with listener:
            self._explain(pushed, lead)
            return self._wait(listener, pushed), pushed

    def _push(self, redirect_uri: str) -> Pushed:
        return self.doorway.push(redirect_uri, browser.machine(), self.tenant, admin=self.admin)

    def _open(self, pushed: Pushed) -> None:
        person = self.person
        choice = person.choice
        if person.no_browser and (choice.missing or not choice.command):
            return
        opened = browser.opening(self.doorway.page(pushed.request_uri), choice.command, person.environment)
        if person.terminal is None and not _seems_fine(opened):
            why = f": {choice.missing}" if choice.missing else ""
            raise SignInNeeded(f"No browser could be opened{why}. Run `daypass login` in a terminal.")

    def _explain(self, pushed: Pushed, lead: str) -> None:
        what = "admin access" if self.admin else "your tenants"
        self.person.say(
            f"daypass: Sign in to {self.doorway.origin} for {what}.\n"
            f"  {lead}\n    {self.doorway.page(pushed.request_uri)}\n"
            f"  Does the page show {pushed.match_code}? If not, cancel it.\n"
            "  If the page gives you a code, paste it here: "
        )

    def _wait(self, listener: CallbackServer, pushed: Pushed) -> Callback | None:
        terminal, seconds = self.person.terminal, min(self.patience, pushed.life)
        expected = Expected(pushed.state, self.doorway.origin, self.doorway.done)
        answer = listener.wait(expected, seconds, terminal.reads if terminal else None, self._pasted)
        self.person.say("\n")
        return answer

    def _wait_for_paste(self, seconds: float) -> Callback | None:
        terminal = self.person.terminal
        until = monotonic() + seconds
        while terminal is not None and (left := until - monotonic()) > 0:
            if wait_readable([terminal.reads], left) and (answer := self._pasted()):
                return answer
        return None

    def _pasted(self) -> Callback | None:
        """The answer in what was typed; None where that is no code."""
        terminal = self.person.terminal
        typed = terminal.line() if terminal else None
        if typed is None:
            return Callback("", "the terminal is gone")
        if _CODE.fullmatch(typed):
            return Callback(typed, "")
        if typed:
            self.person.say("  That is not the code; copy all of it, and paste it here: ")
        return None


def _listening_again(pending: Pending) -> CallbackServer | None:
    try:
        return CallbackServer(pending.port, pending.path)
    except OSError:
        # Somebody else has that port now, and what the page sends is lost.
        return None


def _seems_fine(opened: "Popen[bytes]") -> bool:
    """Whether a browser is open, as far as one can tell within a moment."""
    try:
        return opened.wait(_A_MOMENT) == 0
    except TimeoutExpired:
        return True
