"""Role session names and session tags, and text that is safe to show and record."""

import hashlib
import re
from collections.abc import Mapping

from daypass.common.lines import printable_line
from daypass.portal.access.model import IssuanceId
from daypass.portal.redaction import redacted
from daypass.portal.tenants.model import Tenant
from daypass.portal.workloads.model import WorkloadLimits

TENANT_TAG = "daypass:tenant"
ISSUANCE_TAG = "daypass:issuance"

_LEGAL = re.compile(r"[A-Za-z0-9_+=,.@-]{2,64}")
_LOOKS_SHORTENED = re.compile(r"=[0-9a-f]{16}$")
_ILLEGAL_CHARACTER = re.compile(r"[^A-Za-z0-9_+=,.@-]")
_PREFIX_LENGTH = 64 - len("=") - 16


def session_name(username: str) -> str:
    """Return the RoleSessionName of a user: the username if it is a legal name, else a shortened form.

    The shortened form ends with `=` and the first 16 hexadecimal digits of the username's SHA-256. Each
    username has a name of its own: a username that looks like a shortened form is shortened itself.
    """
    if _LEGAL.fullmatch(username) and not _LOOKS_SHORTENED.search(username):
        return username
    digest = hashlib.sha256(username.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{_ILLEGAL_CHARACTER.sub('-', username)[:_PREFIX_LENGTH]}={digest[:16]}"


def session_tags(
    issuance_id: IssuanceId, tenant: Tenant | None, workload: WorkloadLimits | None = None
) -> Mapping[str, str]:
    """Return the session tags, by which a policy in AWS can deny a single issuance or tenant.

    A workload's sessions have the tags of its rule too, which have keys of their own.
    """
    tags: dict[str, str] = {} if workload is None else dict(workload.session_tags)
    tags[ISSUANCE_TAG] = issuance_id
    if tenant is not None:
        tags[TENANT_TAG] = tenant.name
    return tags


def printable(typed: str, length: int) -> str:
    """Return user input that is safe in messages and the audit log.

    Secrets are masked, unprintable characters replaced, and the result is cut to *length* characters.
    """
    return printable_line(redacted(typed), length)
