"""Checks of the connection to the portal: name, certificate, version, clock, token."""

import shlex
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime
from urllib.parse import urlsplit

from daypass.cli.api import errors, queries
from daypass.cli.api.client import ApiRequest, exchange, read_time
from daypass.cli.api.responses import UNREADABLE, read_json
from daypass.cli.api.tls import Trust, trust
from daypass.cli.auth import session
from daypass.cli.cache import request
from daypass.cli.credentials.fetch import NOTABLE_SKEW, Now
from daypass.cli.diagnostics import identity_checks
from daypass.cli.diagnostics.finding import Finding, State, bad, good, notable, run_check
from daypass.cli.runtime.errors import Refusal, SignInNeeded
from daypass.cli.runtime.output import moment
from daypass.common.counting import counted
from daypass.common.origins import authority
from daypass.common.proxies import Proxy, ProxyError, proxy_for
from daypass.common.tunnel import open_tunnel

_DAY = 24 * 60 * 60
_TIMEOUT = 10
_REMEDY = "export DAYPASS_TOKEN=…    # from your profile page"
_REMEDY_IN_A_JOB = "# an Administrator finds the reason in the audit log; a workload rule gives access"


def findings(
    origin: str, flags: Mapping[str, str], environment: Mapping[str, str], now: Now
) -> Iterator[Finding]:
    """Yield the findings about the portal at *origin*; the first failed step is the last finding."""
    yield good("portal", origin)
    parts = urlsplit(origin)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        proxy = proxy_for(origin, environment)
    except ProxyError as error:
        yield bad("proxy", str(error), "env | grep -i _proxy")
        return
    # With a proxy, only the proxy needs to resolve the name.
    resolution = _name(host, port) if proxy is None else good("proxy", f"{host} is reached through {proxy}")
    yield resolution
    if resolution.state is State.BAD:
        return
    try:
        trusted = trust(origin, flags, environment)
        if trusted is not None:
            yield _certificate(host, port, trusted, now(), proxy)
        # This call tells the version, and needs no token: the token is checked last.
        answer = exchange(
            origin, trusted, ApiRequest("GET", "/api/v1/openapi.json", {}, None), "asking for its version"
        )
        version = errors.printable(str(read_json(answer.body)["info"]["version"]))
    except (Refusal, OSError) as error:
        refusal = error if isinstance(error, Refusal) else errors.connection_failure(origin, error, proxy)
        fix = f"curl --verbose {origin}/healthz"
        if isinstance(error, ProxyError):
            fix += "    # uses the same proxy"
        if isinstance(error, ssl.SSLCertVerificationError):
            needs_file = "DAYPASS_CA_FILE" in errors.remedy_for(error)
            fix = (
                "export DAYPASS_CA_FILE=…    # the file of its certificate authority"
                if needs_file
                else _certificate_command(host, port, proxy)
            )
        yield bad("connection", str(refusal), fix)
        return
    except UNREADABLE:
        fix = f"curl {origin}/api/v1/openapi.json"
        yield bad("version", "the server is not a Daypass portal.", fix)
        return
    yield good("version", str(version))
    yield from run_check("clock", lambda: [_clock(read_time(answer.headers.get("Date")), now())])
    yield from run_check("identity", lambda: identity_checks.findings(origin, flags, environment))
    yield from run_check("sign-in", lambda: [_token(flags, environment, now)])


def _name(host: str, port: int) -> Finding:
    try:
        addresses = {str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except OSError as error:
        fix = f"getent hosts {host}    # is the name right, and are you in the right network or VPN?"
        return bad("name", f"{host} has no address: {error.strerror}.", fix)
    return good("name", f"{host} is {', '.join(sorted(addresses))}")


def _certificate(host: str, port: int, trusted: Trust, now: float, proxy: Proxy | None) -> Finding:
    """Return the finding about the certificate; raises `OSError` if it is not trusted."""
    # The client loads the whole bundle when a look-up in the system's folder has failed. This connection does
    # not try twice, so it needs the bundle at once.
    trusted.read_all()
    with (
        closing(_connection(host, port, proxy)) as connection,
        trusted.context.wrap_socket(connection, server_hostname=host) as secure,
    ):
        certificate = secure.getpeercert() or {}
        ends = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
        text = f"trusted, {secure.version()}, good for {counted(round((ends - now) / _DAY), 'day')}"
    if ends - now < 14 * _DAY:
        return notable("certificate", f"{text}.", "# ask the portal's operator to renew it")
    return good("certificate", text)


def _certificate_command(host: str, port: int, proxy: Proxy | None) -> str:
    """Return the line that prints the certificate, through the same proxy."""
    to = authority(host, port)
    through = "" if proxy is None else f"-proxy {authority(proxy.host, proxy.port)} "
    return f"openssl s_client {through}-connect {to} </dev/null | openssl x509 -noout -text"


def _connection(host: str, port: int, proxy: Proxy | None) -> socket.socket:
    if proxy is None:
        return socket.create_connection((host, port), _TIMEOUT)
    return open_tunnel(proxy, host, port, lambda: _TIMEOUT)


def _clock(portal_time: datetime | None, now: float) -> Finding:
    if portal_time is None:
        return notable("clock", "the portal sends no Date header.", "# a proxy may remove it")
    skew = now - portal_time.timestamp()
    if abs(skew) <= NOTABLE_SKEW:
        return good("clock", f"within {max(1, round(abs(skew)))} s of the portal's")
    direction = "ahead of" if skew > 0 else "behind"
    sentence = f"{abs(skew) / 60:.0f} minutes {direction} the portal's; AWS refuses what this machine signs."
    return bad("clock", sentence, "sudo timedatectl set-ntp true")


def _token(flags: Mapping[str, str], environment: Mapping[str, str], now: Now) -> Finding:
    is_job = False
    try:
        origin = request.origin_of(flags, environment)
        has_token = request.token_of(flags, environment) != ""
        is_job = not has_token and request.identity_of(flags, environment, origin) is not None
        if not (has_token or is_job):
            account = session.open_session(flags, environment, now)
            if account.needs_sign_in:
                # A diagnosis must not open a browser for the sign-in.
                command = f"daypass login --host {shlex.quote(account.origin)}"
                return bad("sign-in", "not signed in.", command)
        portal = session.portal(flags, environment, now)
        me = queries.me(portal)
    except SignInNeeded as refusal:
        return bad("sign-in", str(refusal), _REMEDY_IN_A_JOB if is_job else _REMEDY)
    except Refusal as refusal:
        return bad("sign-in", str(refusal), "daypass whoami --debug")
    credential = queries.active_credential(portal, me)
    text = f"{me.username} ({me.role}), {credential.words}, valid until {moment(credential.until)}"
    is_permanent = me.token_kind == "permanent"  # noqa: S105  a kind, not a token
    if is_permanent and me.token_expires_at.timestamp() - now() < 14 * _DAY:
        return notable("sign-in", f"{text}.", "# ask an Administrator for a new token in time")
    return good("sign-in", text)
