"""A tunnel through an HTTP proxy with the method CONNECT (RFC 9110, section 9.3.6)."""

import socket

from daypass.common.origins import authority
from daypass.common.proxies import Proxy, ProxyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST_HEAD = 16 * 1024
_AUTHENTICATION_REQUIRED = 407
_GATEWAY_ERRORS = (500, 502, 503, 504)


def open_tunnel(proxy: Proxy, host: str, port: int, left: "Callable[[], float]") -> socket.socket:
    """Connect to *host* through the proxy; *left* returns the seconds left. Raises `ProxyError`."""
    try:
        connection = socket.create_connection((proxy.host, proxy.port), left())
    except OSError as error:
        raise unreachable(proxy, error, host) from error
    try:
        establish(connection, proxy, host, port, left)
    except BaseException:
        connection.close()
        raise
    return connection


def establish(
    connection: socket.socket, proxy: Proxy, host: str, port: int, left: "Callable[[], float]"
) -> None:
    """Turn a connection to the proxy into one to *host*. Raises `ProxyError` if the proxy refuses."""
    target = authority(host, port)
    headers = {"Host": target, **proxy.headers()}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    try:
        connection.settimeout(left())
        connection.sendall(f"CONNECT {target} HTTP/1.1\r\n{head}\r\n".encode())
        status = _status(_read_head(connection, left))
    except OSError as error:
        raise unreachable(proxy, error, host) from error
    if status is None:
        raise ProxyError(f"No HTTP answer from {proxy}. {_remedy(proxy, host)}", needs_setup=True)
    if not 200 <= status < 300:
        raise refused(proxy, status, target)


def unreachable(proxy: Proxy, error: BaseException | None, host: str) -> ProxyError:
    """Return the error for a proxy that cannot be connected to or does not answer."""
    if isinstance(error, ProxyError):
        return error
    remedy = _remedy(proxy, host)
    if isinstance(error, socket.gaierror):
        return ProxyError(f"There is no host for {proxy}: {error.strerror}. {remedy}", needs_setup=True)
    if isinstance(error, OSError) and error.strerror and not isinstance(error, TimeoutError):
        return ProxyError(f"The connection to {proxy} failed: {error.strerror}. {remedy}")
    return ProxyError(f"No answer from {proxy} in time. {remedy}")


def refused(proxy: Proxy, status: int, target: str) -> ProxyError:
    """Return the error for a proxy that answers CONNECT with the error *status*."""
    if status == _AUTHENTICATION_REQUIRED:
        why = (
            f"does not accept the user and password in {proxy.variable}"
            if proxy.has_credentials
            else f"requires authentication. Set {proxy.variable} to http://USER:PASSWORD@HOST:PORT"
        )
        return ProxyError(f"{_capitalized(proxy)} {why}.", needs_setup=True)
    directly = "list the host in NO_PROXY if it can be reached directly"
    if status in _GATEWAY_ERRORS:
        return ProxyError(
            f"{_capitalized(proxy)} could not connect to {target} (HTTP {status}). Is the name right? If so, "
            f"try again, or {directly}."
        )
    return ProxyError(
        f"{_capitalized(proxy)} refuses connections to {target} (HTTP {status}). Ask its operator to allow "
        f"them, or {directly}.",
        needs_setup=True,
    )


def _remedy(proxy: Proxy, host: str) -> str:
    """Return how to correct the proxy's setting, or to bypass the proxy for *host*."""
    return (
        f"Correct {proxy.variable}, or unset it to use no proxy at all; to reach only {host} without the "
        f"proxy, add {host} to NO_PROXY."
    )


def _read_head(connection: socket.socket, left: "Callable[[], float]") -> bytes:
    """Read the head of the proxy's answer; it is incomplete if the proxy closes the connection."""
    head = b""
    while b"\r\n\r\n" not in head and len(head) < _LONGEST_HEAD:
        connection.settimeout(left())
        # In TLS the client sends first, so no data follows the head of a successful answer.
        chunk = connection.recv(_LONGEST_HEAD)
        if not chunk:
            break
        head += chunk
    return head


def _status(head: bytes) -> int | None:
    """Return the status of a complete HTTP/1 answer, or None if *head* is something else."""
    version, _, rest = head.partition(b" ")
    if b"\r\n\r\n" not in head or not version.startswith(b"HTTP/1.") or not rest[:3].isdigit():
        return None
    return int(rest[:3])


def _capitalized(proxy: Proxy) -> str:
    return f"T{str(proxy)[1:]}"
