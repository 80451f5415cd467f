"""The rule that changes which give lasting authority need an authentication of the last minutes."""

from datetime import datetime, timedelta

from daypass.portal.errors import ReauthenticationRequired
from daypass.portal.identity.model import ApiToken, TokenKind

RECENT = timedelta(minutes=5)
"""The time for which a sign-in counts as recent, for changes that need reauthentication."""

_HELP = {
    TokenKind.BROWSER: "This change needs a recent sign-in. Confirm your password, then try again.",
    TokenKind.CLI: "This change needs a recent sign-in. Run `daypass login --admin`, then try again.",
}
_PROVIDER_HELP = "This change needs a recent sign-in. Confirm your identity, then try again."
_OTHER_HELP = (
    "This change needs a recent sign-in, which this API token does not prove. Make the change on the "
    "Administrator pages, or run `daypass login --admin` and use `daypass token --admin`."
)


def is_recent(proved_at: datetime, now: datetime) -> bool:
    """Return whether an authentication at *proved_at* is of the last five minutes."""
    return now - proved_at <= RECENT


def authenticated_at(token: ApiToken) -> datetime | None:
    """Return when the user behind *token* last authenticated; None if the token does not tell.

    Permanent tokens and those of workloads never tell it, nor do tokens that an earlier release issued.
    """
    if token.kind is TokenKind.BROWSER:
        # Sessions that an earlier release began have no such time; their password was checked at the start.
        return token.authenticated_at or token.created_at
    return token.authenticated_at


def require_authentication_within(session: ApiToken, age: timedelta, now: datetime) -> None:
    """Return if the user of a browser session authenticated at most *age* ago.

    Raises `ReauthenticationRequired`.
    """
    proved_at = authenticated_at(session)
    if proved_at is None or now - proved_at > age:
        raise ReauthenticationRequired("This request needs a more recent sign-in. Confirm your identity.")


def require_recent_authentication(token: ApiToken, now: datetime, *, takes_exempt: bool = True) -> None:
    """Return if *token* proves a sign-in of the last five minutes; raises `ReauthenticationRequired`.

    A browser session proves the time at which its identity provider authenticated the user, which may be
    before the session began. A command line with admin access proves the time of its authorization, which
    itself needs a recent sign-in in the browser.
    With *takes_exempt*, a permanent token that is exempt from reauthentication is enough too.
    """
    if takes_exempt and token.reauthentication_exempt:
        return
    proved_at = None
    if token.kind is TokenKind.BROWSER:
        proved_at = authenticated_at(token)
    elif token.kind is TokenKind.CLI and token.allows_admin:
        proved_at = token.authorized_at
    if proved_at is None or not is_recent(proved_at, now):
        has_other_provider = token.provider is not None
        raise ReauthenticationRequired(
            _PROVIDER_HELP if has_other_provider else _HELP.get(token.kind, _OTHER_HELP)
        )
