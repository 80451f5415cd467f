"""The check that an Administrator can sign in while no identity provider answers."""

from collections.abc import Sequence

from daypass.portal.config.model import PasswordSignIn
from daypass.portal.diagnostics.finding import Finding, Level
from daypass.portal.identity.store.users import UserStore
from daypass.portal.storage.engine import Database

_CODE, _SUBJECT = "break_glass", "break-glass account"


def examine_break_glass(database: Database, passwords: PasswordSignIn) -> Sequence[Finding]:
    """Return the finding on the break-glass account, if only this account may sign in with a password.

    The passwords of other Administrators count for the rule that a local one remains, and open nothing then.
    """
    if passwords is not PasswordSignIn.BREAK_GLASS:
        return []
    with database.reading() as connection:
        name = UserStore(connection).break_glass_account()
    if name is None:
        sentence = "Passwords are off, and there is none: no sign-in works while no provider answers."
        patch = "daypass portal create-break-glass break-glass@example.com"
        return [Finding(_CODE, Level.ERROR, _SUBJECT, sentence, patch)]
    return [Finding(_CODE, Level.FINE, _SUBJECT, f"{name} can sign in while no identity provider answers.")]
