"""The admin scope of a token: its owner's consent to administration and the master role."""

from daypass.portal.errors import InsufficientScope
from daypass.portal.identity.model import ApiToken, TokenKind, User


def administers(user: User, token: ApiToken) -> bool:
    """Return whether *user* is an Administrator who may administer with *token*."""
    return user.is_administrator and token.reaches_admin


def require_admin_scope(token: ApiToken) -> None:
    """Return if administration and the master role are in the token's scope; raises `InsufficientScope`."""
    if not token.reaches_admin:
        raise InsufficientScope(_SCOPE_HELP.get(token.kind, _OTHER_HELP))


_OTHER_HELP = "You authorized this for your tenants only. For admin access run `daypass login --admin`."
_SCOPE_HELP = {
    TokenKind.APPROVAL: (
        "Admin access was not part of what you authorized. Log in again, asking for it, "
        "or run `daypass login --admin`."
    ),
}
