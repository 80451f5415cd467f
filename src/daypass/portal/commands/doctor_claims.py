"""`daypass portal doctor --claims`: the effects that a sign-in with the operator's own claims would have."""

import json
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from daypass.portal.config.model import PortalConfig
    from daypass.portal.diagnostics.finding import Finding
    from daypass.portal.storage.engine import Database

_INTERVAL = 0.5
"""The seconds between two looks for the findings."""


def claims_findings(
    provider: str, config: "PortalConfig", database: "Database", show: "Callable[[str], None]"
) -> "Sequence[Finding]":
    """Show the address to open, wait for the person, and return the findings of the portal.

    Raises `InvalidRequest` for a provider that is not configured, or if no person authenticates in time.
    """
    from daypass.portal.clock import utc_now
    from daypass.portal.diagnostics.finding import Finding, Level
    from daypass.portal.errors import InvalidRequest
    from daypass.portal.identity.external.claims_checks import LIFETIME, ClaimsChecks

    titles = {each.name: each.title for each in config.providers}
    if provider not in titles:
        names = ", ".join(titles) or "none"
        raise InvalidRequest(f"No identity provider “{provider}” is configured. Configured: {names}.")
    checks = ClaimsChecks(database, utc_now)
    check_id = checks.begin(provider)
    show(
        f"Open this address, and sign in at {titles[provider]}. The portal does not sign you in, and "
        f"nothing is changed.\n\n    {config.public_url}/sign-in/oidc/{provider}/check?id={check_id}\n"
    )
    try:
        findings = _wait(checks.findings, check_id, time.monotonic() + LIFETIME.total_seconds())
    finally:
        checks.end(check_id)
    if findings is None:
        raise InvalidRequest(
            f"The address was not opened for {LIFETIME.total_seconds() // 60:.0f} minutes. Check that a "
            f"portal with this database serves {config.public_url}, and run the command again."
        )
    return [Finding(**{**each, "level": Level(each["level"])}) for each in json.loads(findings)]


def _wait(find: "Callable[[str], str | None]", check_id: str, until: float) -> str | None:
    while (found := find(check_id)) is None and time.monotonic() < until:
        time.sleep(_INTERVAL)
    return found
