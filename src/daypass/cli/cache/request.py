"""Parsing flags and environment into a `CredentialRequest`. On the fast path, so imports must stay cheap."""

import os

from daypass.cli.runtime.digest import fingerprint
from daypass.cli.runtime.errors import SignInNeeded, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from daypass.cli.identity.selection import Identity

NO_CACHE = "no_cache"

VALUES = {
    "--host": "host",
    "-H": "host",
    "--token": "token",
    "-t": "token",
    "--token-file": "token_file",
    "--tenant": "tenant",
    "-T": "tenant",
    "--duration": "duration",
    "--permission-set": "permission_set",
    "--ca-file": "ca_file",
    "--browser": "browser",
    "--identity": "identity",
    "--service-account": "service_account",
}
SWITCHES = {
    "--admin": "admin",
    "--no-cache": NO_CACHE,
    "--interactive": "interactive",
    "-I": "interactive",
    "--no-browser": "no_browser",
}
"""The flags of the fast path; click parses the additional ones of `daypass jit aws`."""

_BYTE_ORDER_MARK = "\ufeff"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_HOST_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-_."
_TOKEN_VARIABLES = ("DAYPASS_TOKEN", "DUPLO_TOKEN")
_IDENTITY_VARIABLES = ("DAYPASS_IDENTITY", "DAYPASS_ID_TOKEN")
# Stricter than `common.origins`: other names may resolve to another machine, and the token is unencrypted.
_LOOPBACK = ("127.0.0.1", "[::1]", "localhost")


class CredentialRequest:
    """A request for credentials: portal, caller, tenant (None for admin access) and duration in seconds.

    The caller is identified by a token, by the id of the session stored on this machine, or by the identity
    of the job. The permission set is "" for the one that the caller has.
    """

    __slots__ = ("duration", "identity", "origin", "permission_set", "session_id", "tenant", "token")

    def __init__(
        self,
        origin: str,
        token: str,
        tenant: str | None,
        duration: int | None,
        session_id: str = "",
        permission_set: str = "",
        identity: "Identity | None" = None,
    ) -> None:
        self.identity = identity
        self.origin = origin
        self.token = token
        self.tenant = tenant
        self.duration = duration
        self.session_id = session_id
        self.permission_set = permission_set

    def __repr__(self) -> str:
        scope = f"tenant={self.tenant!r}, duration={self.duration!r}, set={self.permission_set!r}"
        return f"CredentialRequest({self.origin!r}, token=***, {scope})"

    @property
    def what(self) -> str:
        """The requested access, as text for messages."""
        return "admin access" if self.tenant is None else f"tenant {self.tenant}"

    def after_sign_in(self, environment: "Mapping[str, str]") -> "CredentialRequest":
        """Return the request with the id of the session that is stored now."""
        if self.token or self.identity is not None:
            return self
        # Imported here because a request with a token does not need it.
        from daypass.cli.cache.session_id import stored_id

        session_id = stored_id(environment, self.origin, admin=self.tenant is None)
        return CredentialRequest(self.origin, "", self.tenant, self.duration, session_id, self.permission_set)

    def key(self) -> str:
        """Return the cache key; two requests share it only if all their parts are equal.

        Raises `SignInNeeded` if there is neither a token nor an identity nor a session.
        """
        if self.token:
            caller = fingerprint(self.token.encode())
        elif self.identity is not None:
            caller = f"identity:{self.identity.key}"
        elif self.session_id:
            caller = f"sign-in:{self.session_id}"
        else:
            raise SignInNeeded("You are not signed in.")
        scope = "admin" if self.tenant is None else f"tenant:{self.tenant}"
        parts = [self.origin, caller, str(self.duration), scope]
        # Without a requested set the key is that of earlier versions.
        parts += [f"set:{self.permission_set}"] if self.permission_set else []
        # NUL is an unambiguous separator: arguments and environment variables cannot contain it.
        return fingerprint("\0".join(parts).encode())


def read_flags(words: list[str]) -> dict[str, str] | None:
    """Parse *words* as click does; return None if click must handle the line."""
    flags: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
        if name in SWITCHES and not equals:
            flags[SWITCHES[name]] = "yes"
        elif name in VALUES:
            following = value if equals else next(rest, None)
            if following is None:
                return None
            flags[VALUES[name]] = following
        else:
            return None
    return flags


def from_duploctl(flags: "Mapping[str, str]") -> dict[str, str]:
    """Convert the flags of duploctl's `jit aws` to those of `daypass aws`."""
    # With duploctl, --admin overrides a tenant.
    of_a_tenant = ("tenant", "tenant_id") if "admin" in flags else ()
    return {name: value for name, value in flags.items() if name not in of_a_tenant}


def parse_request(flags: "Mapping[str, str]", environment: "Mapping[str, str]") -> CredentialRequest:
    """Return the request that flags and environment describe; a flag overrides any variable.

    Raises `UsageError` or `SignInNeeded` for an incomplete or contradictory request.
    """
    origin = origin_of(flags, environment)
    duration = read_duration(flags["duration"]) if "duration" in flags else None
    if "admin" in flags and ("tenant" in flags or "tenant_id" in flags):
        raise UsageError("Choose one: --tenant NAME for a tenant's keys, or --admin for admin access.")
    tenant = None if "admin" in flags else tenant_of(flags, environment)
    permission_set = permission_set_of(flags)
    token = token_of(flags, environment)
    wanted = CredentialRequest(origin, token, tenant, duration, permission_set=permission_set)
    if token:
        return wanted
    wanted.identity = selected_identity(flags, environment)
    wanted = wanted.after_sign_in(environment)
    if wanted.identity is None and not wanted.session_id:
        wanted.identity = _detected_identity(flags, environment)
    return wanted


def identity_of(
    flags: "Mapping[str, str]", environment: "Mapping[str, str]", origin: str
) -> "Identity | None":
    """Return the identity that a command without a token uses; None if it uses the sign-in of this machine.

    An identity that was merely detected gives way to a stored sign-in.
    """
    found = selected_identity(flags, environment)
    if found is not None:
        return found
    from daypass.cli.cache.session_id import stored_id

    has_session = stored_id(environment, origin, admin="admin" in flags)
    return None if has_session else _detected_identity(flags, environment)


def selected_identity(flags: "Mapping[str, str]", environment: "Mapping[str, str]") -> "Identity | None":
    """Return the identity that flags or variables of Daypass select; None if they select none."""
    if "identity" not in flags and first_set(environment, *_IDENTITY_VARIABLES) is None:
        return None
    # Imported here to keep it off the fast path of users with a token or a sign-in.
    from daypass.cli.identity.selection import selected

    return selected(flags, environment)


def _detected_identity(flags: "Mapping[str, str]", environment: "Mapping[str, str]") -> "Identity | None":
    from daypass.cli.identity.selection import detected

    return detected(flags, environment)


def origin_of(flags: "Mapping[str, str]", environment: "Mapping[str, str]") -> str:
    """Return the origin of the portal that the flags, the environment or the sign-ins determine."""
    host = flags["host"] if "host" in flags else first_set(environment, "DAYPASS_HOST", "DUPLO_HOST")
    return read_origin(trimmed(host or "") or _default_origin(flags, environment))


def _default_origin(flags: "Mapping[str, str]", environment: "Mapping[str, str]") -> str:
    """Return the portal that this machine signed in to; "" if there is none.

    A given token may belong to another portal, so it is sent only to a portal that is named explicitly.
    """
    from daypass.cli.cache import session_id

    has_token = (
        "token" in flags
        or "token_file" in flags
        or first_set(environment, *_TOKEN_VARIABLES) is not None
        or selected_identity(flags, environment) is not None
    )
    chosen = "" if has_token else session_id.default_portal(environment)
    if not chosen and not has_token and (origins := session_id.portals(environment)):
        raise UsageError(
            f"Which portal? You signed in to {' and '.join(origins)}: give one with --host, or choose it for "
            "good with `daypass use`."
        )
    return chosen


def read_origin(host: str) -> str:
    """Return the origin for *host*: a name with an optional port, or a URL whose path is dropped."""
    if not host:
        raise UsageError("Which portal? Give its address with --host https://… or in DAYPASS_HOST.")
    if not (host.isascii() and host.isprintable()) or "@" in host or " " in host:
        raise UsageError("The portal's address must be a plain host name, without user, password or blanks.")
    scheme, separator, rest = host.partition("://")
    if not separator:
        scheme, rest = "https", host
    scheme = scheme.lower()
    authority = rest.partition("/")[0].partition("?")[0].partition("#")[0].lower()
    if scheme not in ("https", "http") or not authority:
        raise UsageError(
            f"{host} is not the address of a portal: it should look like https://portal.example.com."
        )
    name, port = _name_and_port(authority)
    if scheme == "http" and name not in _LOOPBACK:
        raise UsageError(f"{host} would send the token unencrypted: use https://{authority}.")
    default = "443" if scheme == "https" else "80"
    return f"{scheme}://{name}" if port in ("", default) else f"{scheme}://{name}:{port}"


def read_duration(text: str) -> int:
    """Return a duration in seconds; *text* is like 7200, 7200s, 120m, 2h or 1h30m."""
    from daypass.common.durations import seconds_of

    try:
        return seconds_of(trimmed(text))
    except ValueError as error:
        raise UsageError("That is not a duration: write it like 2h, 90m, 1h30m or 5400 (seconds).") from error


def _name_and_port(authority: str) -> tuple[str, str]:
    if authority.startswith("["):
        name, bracket, port = authority.partition("]")
        name += bracket
        is_name = bool(bracket) and not name[1:-1].strip("0123456789abcdef:.")
        port_follows = port == "" or port.startswith(":")
        port = port[1:]
    else:
        name, _, port = authority.partition(":")
        is_name = not name.strip(_HOST_LETTERS) and all(0 < len(label) < 64 for label in name.split("."))
        port_follows = True
    if not (is_name and port_follows) or (port and not (port.isdigit() and 0 < int(port[:6]) < 65536)):
        raise UsageError(f"{authority} is not a host name, or not a port.")
    return name, port.lstrip("0")


def tenant_of(flags: "Mapping[str, str]", environment: "Mapping[str, str]") -> str:
    """Return the name or id of the requested tenant."""
    # As with duploctl, an id overrides a name given in the same way.
    chosen = flags.get("tenant_id", flags.get("tenant"))
    if chosen is None:
        chosen = first_set(environment, "DAYPASS_TENANT", "DUPLO_TENANT_ID", "DUPLO_TENANT")
    if chosen is None:
        from daypass.cli.cache.tenant_names import cached_names, list_sentence

        raise UsageError(
            "Which tenant? Give --tenant NAME or DAYPASS_TENANT, or --admin as an Administrator. "
            + list_sentence(cached_names(environment, origin_of(flags, environment)))
        )
    chosen = trimmed(chosen)
    if not chosen:
        raise UsageError("The tenant's name is empty: give --tenant NAME, or --admin as an Administrator.")
    if not chosen.isprintable():
        raise UsageError("The tenant's name has characters that no tenant's name has.")
    return chosen


def permission_set_of(flags: "Mapping[str, str]") -> str:
    """Return the name of the requested permission set; "" if none is requested."""
    if "permission_set" not in flags:
        return ""
    name = trimmed(flags["permission_set"])
    if not name or not name.isprintable():
        raise UsageError(
            "The permission set's name is empty, or has characters that no name has: give "
            "--permission-set NAME. Yours are listed by: daypass permission-sets --tenant NAME"
        )
    return name


def token_of(flags: "Mapping[str, str]", environment: "Mapping[str, str]") -> str:
    """Return the token given by flag, file or variable; "" if there is none."""
    if "token" in flags:
        token = flags["token"]
    elif "token_file" in flags:
        from daypass.cli.runtime.home import expanded

        token = decode_text(read_file(expanded(flags["token_file"], environment), "token file"))
    else:
        found = first_set(environment, *_TOKEN_VARIABLES)
        if found is None:
            return ""
        token = found
    token = trimmed(token)
    if not token:
        raise SignInNeeded("The token is empty. Without --token and --token-file, the sign-in here is used.")
    if not (token.isascii() and token.isprintable()) or " " in token or len(token) > 4096:
        raise SignInNeeded("That is not an API token: it has characters, or a length, that no token has.")
    return token


def trimmed(text: str) -> str:
    """Return *text* without a byte order mark, line breaks and blanks around it."""
    return text.strip().strip(_BYTE_ORDER_MARK).strip()


def decode_text(content: bytes) -> str:
    """Decode a file in UTF-8, or in UTF-16 with a byte order mark as PowerShell writes it."""
    try:
        return trimmed(content.decode("utf-16" if content[:2] in _UTF_16 else "utf-8"))
    except UnicodeDecodeError as error:
        raise UsageError("The token file is neither UTF-8 nor UTF-16.") from error


_pipe_contents: dict[str, bytes] = {}
"""Content of the pipes read so far, by path: a pipe can be read only once."""


def read_file(path: str, kind: str, limit: int = 8192) -> bytes:
    """Return the first *limit* bytes of a file that the user named; *kind* describes it in error messages.

    The content of a pipe, such as `<(command)` or /dev/stdin, is remembered for later calls.
    """
    if path in _pipe_contents:
        return _pipe_contents[path]
    try:
        with open(path, "rb") as file:
            content = file.read(limit)
            if not _is_plain_file(file.fileno()) or path.startswith("/dev/"):
                _pipe_contents[path] = content
    except OSError as error:
        raise UsageError(f"The {kind} {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        # For example, a NUL byte in the path.
        raise UsageError(f"The {kind} {path!r} cannot be read: {error}.") from error
    return content


def _is_plain_file(descriptor: int) -> bool:
    from stat import S_ISREG

    return S_ISREG(os.fstat(descriptor).st_mode)


def first_set(environment: "Mapping[str, str]", *variables: str) -> str | None:
    """Return the value of the first variable that is not empty or blank."""
    for variable in variables:
        value = environment.get(variable)
        if value and trimmed(value):
            return value
    return None
