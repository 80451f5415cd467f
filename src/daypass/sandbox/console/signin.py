"""Sign-in tokens and console sessions."""

import hmac
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from daypass.sandbox.clock import SandboxClock
from daypass.sandbox.ministack.server import MiniStack

TOKEN_LIFE = timedelta(minutes=15)
_SHORTEST = timedelta(minutes=15)
_LONGEST = timedelta(hours=12)


class SigninRefused(Exception):
    """A refusal by the federation endpoint; the message has the reason."""


@dataclass(frozen=True, slots=True)
class ConsoleSession:
    """A signed-in console session, with its identity, keys and end."""

    arn: str
    account_id: str
    ends_at: datetime
    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)

    @property
    def principal(self) -> str:
        """The identity as the AWS console shows it: `ROLE/SESSION-NAME`."""
        return self.arn.rsplit(":", 1)[-1].partition("/")[2]


@dataclass(slots=True)
class SigninService:
    """A store of sign-in tokens, which are valid once, and of console sessions."""

    ministack: MiniStack
    clock: SandboxClock
    _tokens: dict[str, tuple[datetime, ConsoleSession]] = field(default_factory=dict)
    _sessions: dict[str, ConsoleSession] = field(default_factory=dict)

    def issue_token(self, keys: dict[str, Any], duration: str | None) -> str:
        """Return a sign-in token for *keys*, valid once for 15 minutes; raises `SigninRefused`."""
        session = self._session_for(keys, duration)
        now = self.clock.now()
        self._tokens = {token: entry for token, entry in self._tokens.items() if entry[0] > now}
        token = secrets.token_urlsafe(96)
        self._tokens[token] = (now + TOKEN_LIFE, session)
        return token

    def sign_in(self, token: str) -> tuple[str, ConsoleSession]:
        """Return a cookie value and its session. Consumes the token in any case; raises `SigninRefused`."""
        # Removed before any check, so that no token is tried twice.
        valid_until, session = self._tokens.pop(token, (datetime.min.replace(tzinfo=UTC), None))
        now = self.clock.now()
        if session is None or valid_until <= now or session.ends_at <= now:
            raise SigninRefused("This sign-in link was used already, or is older than 15 minutes.")
        self._sessions = {key: live for key, live in self._sessions.items() if live.ends_at > now}
        cookie = secrets.token_urlsafe(32)
        self._sessions[cookie] = session
        return cookie, session

    def signed_in(self, cookie: str) -> ConsoleSession | None:
        """Return the session of a cookie, or None if there is none or its keys have expired."""
        session = self._sessions.get(cookie)
        return session if session is not None and session.ends_at > self.clock.now() else None

    def sign_out(self, cookie: str) -> None:
        """End a console session; its keys stay valid, as in AWS."""
        self._sessions.pop(cookie, None)

    def _session_for(self, keys: dict[str, Any], duration: str | None) -> ConsoleSession:
        access_key_id, secret, token = (
            str(keys.get(name, "")) for name in ("sessionId", "sessionKey", "sessionToken")
        )
        record = self.ministack.session(access_key_id)
        if record is None or record["PrincipalType"] not in ("AssumedRole", "FederatedUser"):
            raise SigninRefused(
                "Invalid credentials parameter: no temporary keys of a role or federated user."
            )
        is_valid = hmac.compare_digest(secret.encode(), record["SecretAccessKey"].encode())
        # Both are always compared, so that the time does not show which is wrong.
        is_valid &= hmac.compare_digest(token.encode(), record["SessionToken"].encode())
        ends_at = datetime.fromtimestamp(record["Expiration"], UTC)
        now = self.clock.now()
        if not is_valid or ends_at <= now:
            raise SigninRefused("Invalid credentials parameter: wrong or expired.")
        if duration is not None:
            ends_at = min(ends_at, now + _allowed_duration(record, duration))
        return ConsoleSession(record["Arn"], record["AccountId"], ends_at, access_key_id, secret, token)


def _allowed_duration(record: dict[str, Any], text: str) -> timedelta:
    if record["PrincipalType"] == "FederatedUser" or record.get("Chained"):
        raise SigninRefused(
            "SessionDuration is not allowed with keys of GetFederationToken or of a chained role."
        )
    if not (text.isascii() and text.isdigit() and _SHORTEST <= timedelta(seconds=int(text[:9])) <= _LONGEST):
        raise SigninRefused("SessionDuration must be from 900 to 43200.")
    return timedelta(seconds=int(text))
