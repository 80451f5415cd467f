"""Addresses of issuers, and those that their metadata names."""

from urllib.parse import SplitResult, urlsplit

from daypass.common.origins import is_loopback_host

_LONGEST = 2048
_WELL_KNOWN = "/.well-known/openid-configuration"


def discovery_url(issuer: str) -> str | None:
    """Return the address of an issuer's metadata (OpenID Connect Discovery, section 4), or None.

    None means that *issuer* cannot be an issuer identifier: an https URL without query and fragment, or an
    http URL of this machine.
    """
    parts = _split(issuer)
    if parts is None or "?" in issuer or "#" in issuer:
        return None
    return issuer.removesuffix("/") + _WELL_KNOWN


def is_endpoint(url: object, issuer: str) -> bool:
    """Return whether *url*, from the metadata of *issuer*, may be called.

    Only an issuer on this machine may name an address on this machine: the portal can reach services there
    that the issuer cannot.
    """
    parts, issuer_parts = _split(url), _split(issuer)
    if parts is None or issuer_parts is None:
        return False
    return not is_loopback_host(parts.hostname or "") or is_loopback_host(issuer_parts.hostname or "")


def _split(url: object) -> SplitResult | None:
    """Return the parts of an https URL, or an http URL of this machine; None if *url* is something else."""
    if not isinstance(url, str) or len(url) > _LONGEST:
        return None
    if not url.isascii() or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return None
    if not host or "@" in parts.netloc or "\\" in url:
        return None
    is_secure = parts.scheme == "https" or (parts.scheme == "http" and is_loopback_host(host))
    return parts if is_secure else None
