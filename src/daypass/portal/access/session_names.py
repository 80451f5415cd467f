"""What a user and an issuance are called in AWS."""

import hashlib
import re
from collections.abc import Mapping

from daypass.portal.access.model import IssuanceId
from daypass.portal.redaction import redacted
from daypass.portal.tenants.model import Tenant

TENANT_TAG = "daypass:tenant"
ISSUANCE_TAG = "daypass:issuance"

_FITS = re.compile(r"[A-Za-z0-9_+=,.@-]{2,64}")
_LOOKS_CUT = re.compile(r"=[0-9a-f]{16}$")
_FOREIGN = re.compile(r"[^A-Za-z0-9_+=,.@-]")
_READABLE = 64 - len("=") - 16


def session_name(username: str) -> str:
    """The role session name of a user: the username, or a readable cut with a hash of all of it.

    Always legal in AWS. Two users never share one: a username that looks cut is itself cut and hashed.
    """
    if _FITS.fullmatch(username) and not _LOOKS_CUT.search(username):
        return username
    whole = hashlib.sha256(username.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{_FOREIGN.sub('-', username)[:_READABLE]}={whole[:16]}"


def session_tags(issuance_id: IssuanceId, tenant: Tenant | None) -> Mapping[str, str]:
    """The tags by which one issuance can be denied in AWS without touching the others."""
    tags: dict[str, str] = {ISSUANCE_TAG: issuance_id}
    if tenant is not None:
        tags[TENANT_TAG] = tenant.name
    return tags


def shown(typed: str, length: int) -> str:
    """Return typed text fit for a sentence and a record: one printable line without secrets, cut."""
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}"
        for character in redacted(typed)[:length]
    )
