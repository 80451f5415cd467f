"""The checks that a token covers a scope, which come beside the checks of what its owner may do."""

from daypass.portal.errors import InsufficientScope
from daypass.portal.identity.model import ApiToken, TokenKind, User
from daypass.portal.identity.scopes import ADMIN_SCOPE, Scope


def administers(user: User, token: ApiToken) -> bool:
    """Return whether *user* is an Administrator who may administer with *token*."""
    return user.is_administrator and token.covers(ADMIN_SCOPE)


def require_scope(token: ApiToken, scope: Scope) -> None:
    """Return if *token* covers *scope*; raises `InsufficientScope`."""
    if not token.covers(scope):
        help_ = _ADMIN_HELP.get(token.kind, _OTHER_ADMIN_HELP) if scope.is_admin else _TENANT_HELP
        raise InsufficientScope(help_)


_TENANT_HELP = "This tenant was not part of what you authorized. Log in again."
_OTHER_ADMIN_HELP = "You authorized this for your tenants only. For admin access run `daypass login --admin`."
_ADMIN_HELP = {
    TokenKind.APPROVAL: (
        "Admin access was not part of what you authorized. Log in again, asking for it, "
        "or run `daypass login --admin`."
    ),
}
