"""The HTTP proxy for an outgoing connection, chosen from the environment by the rules of curl and urllib.

`HTTPS_PROXY` and `HTTP_PROXY` apply to their scheme, `ALL_PROXY` to both; the lower-case spelling of a
variable wins. `NO_PROXY` lists the hosts that are reached directly. Loopback addresses never use a proxy.
"""

from daypass.common.origins import address_of, authority, is_loopback_host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# The CLI imports this before each call of the portal, so `ipaddress` and `base64` are imported where needed.

_DEFAULT_PORTS = {"https": 443, "http": 80}


class ProxyError(OSError):
    """A failure of the connection at the proxy. The message is a sentence without the proxy's password.

    `needs_setup` is true if a retry cannot help, because the settings or the proxy's rules must change.
    """

    def __init__(self, sentence: str, *, needs_setup: bool = False) -> None:
        super().__init__(sentence)
        self.needs_setup = needs_setup


class Proxy:
    """An HTTP proxy, and the variable that names it."""

    __slots__ = ("_password", "_user", "host", "port", "variable")

    def __init__(
        self, host: str, port: int, variable: str, user: str | None = None, password: str | None = None
    ) -> None:
        self.host = host
        self.port = port
        self.variable = variable
        self._user = user
        self._password = password

    def __repr__(self) -> str:
        return f"Proxy({self.address!r}, variable={self.variable!r})"

    def __str__(self) -> str:
        return f"the proxy {self.address} (from {self.variable})"

    @property
    def address(self) -> str:
        """The URL of the proxy, without user and password."""
        return f"http://{authority(self.host, self.port)}"

    @property
    def has_credentials(self) -> bool:
        """Return whether the variable holds a user."""
        return self._user is not None

    @property
    def url(self) -> str:
        """The URL of the proxy with user and password: a secret."""
        if self._user is None:
            return self.address
        from urllib.parse import quote

        login = quote(self._user, safe="")
        if self._password is not None:
            login += f":{quote(self._password, safe='')}"
        return f"http://{login}@{authority(self.host, self.port)}"

    def headers(self) -> dict[str, str]:
        """Return the header that authenticates to the proxy (RFC 7617), if a user is set: a secret."""
        if self._user is None:
            return {}
        from base64 import b64encode

        login = f"{self._user}:{self._password or ''}".encode()
        return {"Proxy-Authorization": f"Basic {b64encode(login).decode()}"}


def proxy_for(url: str, environment: "Mapping[str, str]") -> Proxy | None:
    """Return the proxy for *url*, or None for a direct connection; raises `ProxyError` for a bad setting."""
    variable, value = _setting(url.partition("://")[0].lower(), environment)
    if not value:
        return None
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    port = parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
    if is_loopback_host(host) or is_excluded(host, port, _first_spelling("no_proxy", environment)[1]):
        return None
    return _parse(variable, value)


def is_excluded(host: str, port: int, no_proxy: str) -> bool:
    """Return whether *no_proxy* lists the host (name, parent domain, address or network; perhaps a port)."""
    return any(_is_match(entry, host.lower(), port) for entry in no_proxy.lower().replace(",", " ").split())


def _setting(scheme: str, environment: "Mapping[str, str]") -> tuple[str, str]:
    """Return name and value of the variable that decides for *scheme*; the value is empty if none does."""
    # A web server's CGI scripts get a request's header `Proxy` as HTTP_PROXY, so only the lower-case
    # spelling can be trusted there.
    is_cgi = scheme == "http" and "REQUEST_METHOD" in environment
    setting = _first_spelling(f"{scheme}_proxy", environment, lower_case_only=is_cgi)
    if setting[1]:
        return setting
    variable, value = _first_spelling("all_proxy", environment)
    # ALL_PROXY often names a SOCKS proxy for other programs. The AWS tools do not read the variable, so such
    # a value must not stop a connection that works without it.
    return variable, "" if value.lower().startswith("socks") else value


def _first_spelling(
    name: str, environment: "Mapping[str, str]", *, lower_case_only: bool = False
) -> tuple[str, str]:
    for spelling in (name,) if lower_case_only else (name, name.upper()):
        # As in urllib, an empty lower-case variable switches the upper-case one off.
        if spelling in environment:
            return spelling, environment[spelling].strip()
    return name, ""


def _parse(variable: str, value: str) -> Proxy:
    from urllib.parse import unquote, urlsplit

    invalid = ProxyError(
        f"{variable} is not the address of an HTTP proxy. Write it as http://HOST:PORT or "
        "http://USER:PASSWORD@HOST:PORT, with special characters of the password percent-encoded.",
        needs_setup=True,
    )
    scheme, separator, _ = value.partition("://")
    if separator and scheme.lower() != "http":
        raise ProxyError(
            f"{variable} names a proxy of the kind {scheme[:10]}://, and only http:// proxies are supported. "
            "Set it to an HTTP proxy, or list the host in NO_PROXY.",
            needs_setup=True,
        )
    try:
        parts = urlsplit(value if separator else f"http://{value.removeprefix('//')}")
        host, port = parts.hostname or "", parts.port or _DEFAULT_PORTS["http"]
    except ValueError:
        raise invalid from None
    # A password with an unencoded "/", "?" or "#" would be cut off, and its beginning taken for a port.
    rest = parts.path + parts.query + parts.fragment
    if not host or "@" in rest or not value.isascii() or not value.isprintable() or " " in value:
        raise invalid
    user = None if parts.username is None else unquote(parts.username)
    return Proxy(host, port, variable, user, None if parts.password is None else unquote(parts.password))


def _is_match(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    if "/" in entry:
        return _is_in_network(entry, host)
    name, only_port = _name_and_port(entry)
    if only_port and only_port != str(port):
        return False
    name = name.removeprefix("*").lstrip(".").rstrip(".")
    address = address_of(host)
    if address is not None:
        return address == address_of(name)
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _name_and_port(entry: str) -> tuple[str, str]:
    if entry.startswith("["):
        name, _, rest = entry[1:].partition("]")
        return name, rest.removeprefix(":")
    if entry.count(":") == 1:
        name, _, port = entry.partition(":")
        return name, port
    return entry, ""


def _is_in_network(network: str, host: str) -> bool:
    from ipaddress import ip_network

    address = address_of(host)
    try:
        return address is not None and address in ip_network(network, strict=False)
    except ValueError:
        return False
