"""The rule that decides which users need a passkey to sign in."""

from daypass.portal.identity.model import User
from daypass.portal.settings.registry import PASSKEY_REQUIRED
from daypass.portal.settings.store import EffectiveSettings


def is_required(user: User, values: EffectiveSettings) -> bool:
    """Return whether the setting demands a passkey of *user*."""
    match values.get(PASSKEY_REQUIRED):
        case "everyone":
            return True
        case "administrators":
            return user.is_administrator
    return False
