"""Issuers of Microsoft Entra ID, whose path names a tenant, or all of them."""

import re
from urllib.parse import urlsplit

_HOST = re.compile(
    r"(login\.(microsoftonline|partner\.microsoftonline|chinacloudapi)\.(com|us|cn)|sts\.windows\.net)"
)
_SHARED = frozenset({"common", "organizations", "consumers"})
_PERSONAL_ACCOUNTS = "9188040d-6c67-4c5b-b112-36a304b66dad"
"""The tenant of everybody's personal Microsoft accounts."""
_GUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_shared_by_tenants(issuer: str) -> bool:
    """Return whether an issuer accepts the users of every organization in Entra ID."""
    return _tenant_of(issuer) in _SHARED


def is_tenant(issuer: str) -> bool:
    """Return whether an issuer is the tenant of one organization in Entra ID."""
    tenant = _tenant_of(issuer)
    return _GUID.fullmatch(tenant) is not None and tenant != _PERSONAL_ACCOUNTS


def _tenant_of(issuer: str) -> str:
    """Return the tenant in an issuer's path in lower case; empty if it is not one of Entra ID."""
    parts = urlsplit(issuer)
    return f"{parts.path}/".split("/")[1].lower() if _HOST.fullmatch(parts.hostname or "") else ""
