"""The caller's authentication: the given token, the identity of the job, or the session of this machine."""

from time import localtime, strftime

from daypass.cli.api.client import Portal
from daypass.cli.api.tls import trust
from daypass.cli.auth.session_store import LoginDeclined, SessionSlot, StoredSession
from daypass.cli.cache import removal, request
from daypass.cli.runtime.deadline import print_message
from daypass.cli.runtime.errors import SessionExpired, SignInNeeded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from daypass.cli.api.tls import Trust
    from daypass.cli.auth.oauth_client import OAuthClient
    from daypass.cli.auth.session_store import LockedSession, Now
    from daypass.cli.cache.request import CredentialRequest
    from daypass.cli.identity.selection import Identity


RECENT = 300
"""The age in seconds of the authentication that `daypass login --reauthenticate` asks for."""


class StaticToken:
    """A token from a flag, a file or a variable; it cannot be renewed."""

    __slots__ = ("_text",)
    is_from_another_command = False

    def __init__(self, text: str) -> None:
        self._text = text

    def token(self) -> str:
        """Return the token."""
        return self._text

    def renew(self, refused: str) -> str | None:  # noqa: ARG002  none takes its place
        """Return None."""
        return None

    def step_up(self, refused: str) -> str | None:  # noqa: ARG002  none takes its place
        """Return None."""
        return None

    def reauthenticate(self, refused: str, max_age: int) -> str | None:  # noqa: ARG002  none takes its place
        """Return None."""
        return None

    def signed_in_until(self) -> float | None:
        """Return None: only the portal knows when a given token expires."""
        return None


class AuthSession:
    """The session at one portal on this machine. Signs in, refreshes tokens and signs out as needed."""

    __slots__ = (
        "_current",
        "_max_age",
        "environment",
        "flags",
        "is_from_another_command",
        "now",
        "origin",
        "trust",
    )

    def __init__(
        self,
        origin: str,
        trust: "Trust | None",
        flags: "Mapping[str, str]",
        environment: "Mapping[str, str]",
        now: "Now",
    ) -> None:
        self.origin = origin
        self.trust = trust
        self.flags = flags
        self.environment = environment
        self.now = now
        # The session of this process: used even if it could not be stored or expires soon.
        self._current: StoredSession | None = None
        # The maximum age in seconds of the authentication that a new sign-in must have; None for any.
        self._max_age = RECENT if "reauthenticate" in flags else None
        # Whether the last `step_up` or `reauthenticate` returned the token of a session that another command
        # began.
        self.is_from_another_command = False

    @property
    def admin(self) -> bool:
        """Whether the command needs admin access."""
        return "admin" in self.flags

    def token(self) -> str:
        """Return a valid access token: stored, refreshed, or from a new sign-in."""
        if self._current is None:
            stored = self._find_usable()
            if stored is None or not stored.is_ready(self.now()):
                stored = self._replace(stored.access if stored else "")
            self._current = stored
        return self._current.access

    def renew(self, refused: str) -> str | None:
        """Return another token after the portal refused *refused*."""
        self._current = self._replace(refused)
        return self._current.access

    def step_up(self, refused: str) -> str | None:
        """Return the token of a new sign-in with admin access that replaces *refused* (step-up).

        Raises `SignInNeeded` if the user cannot be prompted, and `LoginDeclined` without their consent.
        """
        self.flags = {**self.flags, "admin": "yes"}
        return self._sign_in_anew(refused, "The portal asks for a recent sign-in with admin access.")

    def reauthenticate(self, refused: str, max_age: int) -> str | None:
        """Return the token of a new sign-in that replaces *refused*; raises the same as `step_up`.

        The portal asks the user to authenticate again unless they did so well within *max_age* seconds.
        """
        self._max_age = max_age
        return self._sign_in_anew(refused, "The portal asks you to confirm your identity.")

    def _sign_in_anew(self, refused: str, message: str) -> str:
        started_at, since = self.now(), self._current.since if self._current else 0.0
        with self._slot(admin=self.admin).locked() as slot:
            before = slot.read()
            is_newer = before is not None and before.since > since and before.access != refused
            self.is_from_another_command = False
            if before is not None and is_newer and before.is_ready(self.now()):
                # Another command signed in since this one began, so the user may not have to be prompted
                # again. If the portal refuses this session too, the next call finds none that is newer.
                self._current, self.is_from_another_command = before, True
                return before.access
            print_message(message)
            self._current = self._sign_in(slot, started_at)
        if before is not None:
            self._revoke(before)
        return self._current.access

    @property
    def needs_sign_in(self) -> bool:
        """Whether there is no usable session, so that the user must sign in."""
        return self._find_usable() is None

    def signed_in_until(self) -> float | None:
        """Return when the current session expires; None before the first token."""
        return None if self._current is None else self._current.until

    def log_in(self) -> StoredSession:
        """Sign in, and revoke the session that the new one replaces."""
        with self._slot(admin=self.admin).locked() as slot:
            before = slot.read()
            slot.drop_pending()
            stored = self._prompt_user(slot)
            if before is not None:
                self._revoke(before)
            return stored

    def log_out(self) -> int:
        """Remove stored sessions and cached credentials, and revoke the sessions; return their number."""
        count = 0
        for admin in (False, True):
            with self._slot(admin=admin).locked() as slot:
                stored = slot.read()
                slot.forget_portal()
                slot.drop_pending()
            if stored is not None:
                count += 1
                self._revoke(stored)
        removal.clear(self.environment, self.origin)
        return count

    def _find_usable(self) -> StoredSession | None:
        """Return the stored session that has the access this command needs, if it has not expired."""
        return self._peek_usable(admin=self.admin) or (None if self.admin else self._peek_usable(admin=True))

    def _peek_usable(self, *, admin: bool) -> StoredSession | None:
        stored = self._slot(admin=admin).peek()
        return None if stored is None or stored.is_expired(self.now()) else stored

    def _replace(self, refused: str) -> StoredSession:
        """Return a session whose access token is not *refused*: a stored, a refreshed or a new one."""
        started_at = self.now()
        for admin in self._borrowed_slots():
            with self._slot(admin=admin).locked() as slot:
                session = self._reuse(slot, refused)
                if session is not None:
                    return session
        # The prompt opens under the lock, so that commands that start together open one browser tab.
        with self._slot(admin=self.admin).locked() as slot:
            return self._reuse(slot, refused) or self._sign_in(slot, started_at)

    def _borrowed_slots(self) -> tuple[bool, ...]:
        """Return the slots to try before the command's own; a slot is named by whether it has admin access.

        A session with admin access serves tenants too, but only while they have no session of their own.
        """
        if self.admin or self._peek_usable(admin=False) is not None:
            return ()
        return () if self._peek_usable(admin=True) is None else (True,)

    def _reuse(self, slot: "LockedSession", refused: str) -> StoredSession | None:
        """Return the slot's session with a token other than *refused*; remove a session that has ended."""
        stored = slot.read()
        if stored is not None and stored.is_ready(self.now()) and stored.access != refused:
            # Another process has refreshed it while this one waited for the lock.
            return stored
        renewed = None
        if stored is not None and not stored.is_expired(self.now()):
            renewed = self._refresh(slot, stored)
        if renewed is None:
            slot.remove()
        return renewed

    def _refresh(self, slot: "LockedSession", stored: StoredSession) -> StoredSession | None:
        """Return the session with new tokens, already stored; None if the portal has ended the session."""
        try:
            tokens = self._client.refresh(stored.refresh)
        except SessionExpired as expired:
            print_message(str(expired))
            return None
        new = StoredSession.from_tokens(tokens, self.now(), stored.since)
        slot.write(new)
        return new

    def _sign_in(self, slot: "LockedSession", started_at: float) -> StoredSession:
        """Return a new session, unless a prompt was declined within the cooldown.

        *started_at* is when this command began to wait for the slot's lock.
        """
        declined_at = slot.declined_at()
        # If the decline came later than that, it was the answer to the prompt that this command waited for.
        # Without a terminal, an earlier one counts too: programs that retry must not open tab after tab.
        if declined_at is not None and (declined_at >= started_at or not self._has_terminal()):
            raise LoginDeclined(
                f"The sign-in was declined, or not answered, a moment ago. To sign in: {self._command}"
            )
        return self._prompt_user(slot)

    def _prompt_user(self, slot: "LockedSession") -> StoredSession:
        # Imported here because its imports take time that only an interactive sign-in should pay.
        from daypass.cli.auth.login_flow import LoginFlow, find_prompt

        prompt = find_prompt(self.flags, self.environment)
        if not prompt.can_answer:
            raise self._cannot_prompt()
        try:
            tenant = self.flags.get("tenant", "")
            tokens = LoginFlow(self._client, prompt, self.admin, tenant, max_age=self._max_age).run(slot)
        except LoginDeclined:
            slot.decline()
            raise
        now = self.now()
        stored = StoredSession.from_tokens(tokens, now, now)
        slot.write(stored)
        until = strftime("%Y-%m-%d %H:%M", localtime(stored.until))
        print_message(f"Signed in to {self.origin} as {stored.username} until {until}.")
        return stored

    def _has_terminal(self) -> bool:
        from daypass.cli.auth.login_flow import find_prompt

        return find_prompt(self.flags, self.environment).terminal is not None

    def _cannot_prompt(self) -> SignInNeeded:
        if self._max_age is not None:
            # No token or identity of a job can prove a recent authentication, so none is suggested.
            return SignInNeeded(
                f"{self.origin} asks for a recent authentication, and there is no terminal to ask in. "
                f"In a terminal: {self._command}"
            )
        what = "recent sign-in with admin access" if self.admin else "sign-in"
        return SignInNeeded(
            f"There is no {what} for {self.origin}, and no terminal to ask in. "
            f"In a terminal: {self._command}. "
            "In a CI job: let the job request an identity token, which `daypass doctor` explains. "
            "For a program: copy the Temporary API Token from the profile page, or let an Administrator make "
            "one, and give it in DAYPASS_TOKEN, --token-file or --token."
        )

    @property
    def _command(self) -> str:
        # Imported here because only an error message needs it.
        import shlex

        command = f"daypass login --host {shlex.quote(self.origin)}{' --admin' if self.admin else ''}"
        return f"{command} --reauthenticate" if self._max_age else command

    def _revoke(self, stored: StoredSession) -> None:
        try:
            self._client.revoke(stored.refresh)
        except ValueError as error:
            print_message(f"The session could not be revoked; do so on your profile page: {error}")

    def _slot(self, *, admin: bool) -> SessionSlot:
        return SessionSlot(self.environment, self.origin, admin=admin, now=self.now)

    @property
    def _client(self) -> "OAuthClient":
        # Imported here because most runs neither sign in nor refresh a token.
        from daypass.cli.auth.oauth_client import OAuthClient

        return OAuthClient(self.origin, self.trust)


def open_session(flags: "Mapping[str, str]", environment: "Mapping[str, str]", now: "Now") -> AuthSession:
    """Return the session for the portal that the flags or the environment name, even if a token is given."""
    return _session_at(request.origin_of(flags, environment), flags, environment, now)


def portal(flags: "Mapping[str, str]", environment: "Mapping[str, str]", now: "Now") -> Portal:
    """Return the portal's client, authenticated with the given token, the job's identity or the session.

    The flag `admin` demands a session with admin access. Without token and identity this signs in if
    necessary; raises `SignInNeeded` if the user cannot be prompted.
    """
    token = request.token_of(flags, environment)
    origin = request.origin_of(flags, environment)
    identity = None if token else request.identity_of(flags, environment, origin)
    return _portal_at(origin, token, identity, flags, environment, now)


def portal_for(
    wanted: "CredentialRequest",
    flags: "Mapping[str, str]",
    environment: "Mapping[str, str]",
    now: "Now",
) -> Portal:
    """Return the client as `portal` does, for a request that was already parsed from *flags*."""
    return _portal_at(wanted.origin, wanted.token, wanted.identity, flags, environment, now)


def _portal_at(
    origin: str,
    token: str,
    identity: "Identity | None",
    flags: "Mapping[str, str]",
    environment: "Mapping[str, str]",
    now: "Now",
) -> Portal:
    if token:
        return Portal(origin, StaticToken(token), trust(origin, flags, environment))
    if identity is not None:
        # Imported here because people sign in.
        from daypass.cli.identity.bearer import WorkloadBearer

        trusted = trust(origin, flags, environment)
        return Portal(origin, WorkloadBearer(origin, trusted, identity, flags, environment, now), trusted)
    session = _session_at(origin, flags, environment, now)
    # Signs in now if necessary, so that a refusal comes before anything else is done.
    session.token()
    return Portal(session.origin, session, session.trust)


def _session_at(
    origin: str, flags: "Mapping[str, str]", environment: "Mapping[str, str]", now: "Now"
) -> AuthSession:
    return AuthSession(origin, trust(origin, flags, environment), flags, environment, now)
