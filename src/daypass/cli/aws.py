"""`daypass aws`: keys for a tenant or as an Administrator, in the form that `credential_process` expects."""

from collections.abc import Mapping

from daypass.cli import account, ask, refresh


def answer(flags: Mapping[str, str], environment: Mapping[str, str], now: refresh.Now) -> bytes:
    """The keys that *flags* and *environment* ask for, as one line of JSON."""
    wanted = ask.understand(flags, environment)
    portal = account.portal(flags, environment, now)
    if ask.NO_CACHE in flags:
        return refresh.fresh_answer(wanted, portal, now)
    return refresh.shared_answer(wanted, portal, environment, now)
