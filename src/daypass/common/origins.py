"""Hosts and ports in URLs, and whether a host is a loopback address."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

# The CLI imports this before each call of the portal, so `ipaddress` and `urllib` are imported where needed.


def authority(host: str, port: int) -> str:
    """Return host and port as in a URL."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_loopback(url: str) -> bool:
    """Return whether the host of *url* is this machine; see `is_loopback_host`."""
    from urllib.parse import urlsplit

    try:
        return is_loopback_host(urlsplit(url).hostname or "")
    except ValueError:
        return False


def is_loopback_host(host: str) -> bool:
    """Return whether *host* is this machine: `localhost`, a name below it (RFC 6761), 127.0.0.0/8, ::1."""
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = address_of(host)
    return address is not None and address.is_loopback


def address_of(host: str) -> "IPv4Address | IPv6Address | None":
    """Return *host* as an IP address (a mapped IPv6 address as IPv4), or None if it is a name."""
    # Most hosts are names; the check of the last letter avoids an import for them.
    if ":" not in host and not host[-1:].isdigit():
        return None
    from ipaddress import IPv6Address, ip_address

    try:
        address = ip_address(host)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
