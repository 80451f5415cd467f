"""Authentication of a request by its bearer token. Cookies are read by the pages, in `layout`."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Address, ip_address

from starlette.requests import HTTPConnection

from daypass.portal.access.model import Caller, Channel
from daypass.portal.config.model import Network
from daypass.portal.errors import AccessDenied, Unauthenticated
from daypass.portal.http.core.problems import LOG_FIELDS, REQUEST_ID
from daypass.portal.identity.authentication import Identity
from daypass.portal.identity.model import BEARER_KINDS, ApiToken, TokenKind, User
from daypass.portal.identity.scopes import ADMIN_SCOPE
from daypass.portal.identity.token_scopes import require_scope


class Permission(StrEnum):
    """The permission that a route requires of its caller. Every route declares one."""

    PUBLIC = "anybody"
    JIT = "jit"
    """A valid API token, or a legacy token whose owner consented to JIT access and nothing else."""
    SESSION = "session"
    """A valid API token, or a workload's token. The domain decides what either gives access to."""
    USER = "user"
    """A valid API token. The domain decides what it gives access to beyond the caller's own data."""
    ADMINISTRATOR = "administrator"
    METRICS = "metrics"
    """The operator's token for metrics. No user's token is accepted."""
    PROVISIONING = "provisioning"
    """A token for SCIM of an identity provider. No user's token is accepted."""

    @property
    def accepts(self) -> frozenset[TokenKind]:
        """The kinds of tokens that are accepted."""
        if self in {Permission.METRICS, Permission.PROVISIONING}:
            return frozenset()
        return BEARER_KINDS | _ALSO_ACCEPTED.get(self, frozenset())

    def check(self, user: User, token: ApiToken) -> None:
        """Raise `AccessDenied` or `InsufficientScope` unless *user* has the permission with *token*."""
        # The kind of the token was checked when the caller was identified, by `accepts`.
        if self is not Permission.ADMINISTRATOR:
            return
        if not user.is_administrator:
            raise AccessDenied("This is for Administrators.")
        require_scope(token, ADMIN_SCOPE)


_ALSO_ACCEPTED: Mapping[Permission, frozenset[TokenKind]] = {
    Permission.JIT: frozenset({TokenKind.APPROVAL}),
    Permission.SESSION: frozenset({TokenKind.WORKLOAD}),
}
"""The kinds that a permission accepts beside those of the API."""


@dataclass(frozen=True, slots=True)
class PresentedCredentials:
    """The credentials and the origin of a request, not yet verified."""

    # Left out of repr, so that logs and tracebacks with local values do not show the token.
    token: str = field(repr=False)
    address: str
    request_id: str
    log_fields: dict[str, str] = field(default_factory=dict)
    """Additional fields for the log line of the request."""


@dataclass(frozen=True, slots=True)
class ClientAddresses:
    """Resolves the client address of a request."""

    trusted_proxies: tuple[Network, ...] = ()
    """The proxies whose X-Forwarded-For is trusted; empty if clients connect directly."""

    def of(self, request: HTTPConnection) -> str:
        """Return the address of the client: the last one that is not a trusted proxy."""
        peer = request.client.host if request.client else ""
        address = _plain_address(peer) or peer
        # Before the headers are read, since this runs twice for each request.
        if not self._is_trusted(address):
            return address
        # From right to left, because each trusted proxy vouches only for the address before its own.
        for hop in reversed(",".join(request.headers.getlist("x-forwarded-for")).split(",")):
            if not self._is_trusted(address):
                break
            forwarded = _plain_address(hop.strip())
            if forwarded is None:
                break
            address = forwarded
        return address

    def _is_trusted(self, address: str) -> bool:
        if not self.trusted_proxies or _plain_address(address) is None:
            return False
        return any(ip_address(address) in net for net in self.trusted_proxies)


@lru_cache(maxsize=1024)
def _plain_address(text: str) -> str | None:
    """Return an address in its canonical form, or None if it is invalid or has a zone (any text)."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return str(address)
    if address.scope_id is not None:
        return None
    # A socket for both protocols reports an IPv4 client as ::ffff:a.b.c.d. The audit log, the limits and the
    # list of trusted proxies must see one address for one client.
    return str(address.ipv4_mapped or address)


@dataclass(frozen=True, slots=True)
class Authenticator:
    """Identifies the caller of a request."""

    identity: Identity
    addresses: ClientAddresses = ClientAddresses()

    def presented(self, request: HTTPConnection) -> PresentedCredentials:
        """Read the credentials of a request. Raises `Unauthenticated` unless there is exactly one token."""
        scope = request.scope
        return PresentedCredentials(
            _required_token(request), self.addresses.of(request), scope[REQUEST_ID], scope.get(LOG_FIELDS, {})
        )

    def identify(
        self, presented: PresentedCredentials, channel: Channel, accepts: Collection[TokenKind]
    ) -> Caller:
        """Look the caller up in the database. Raises `Unauthenticated` or `SignInAgain`."""
        token, user = self.identity.authenticate(
            presented.token, accepts, address=presented.address, request_id=presented.request_id
        )
        fields = presented.log_fields
        fields |= {"user": user.username, "token_kind": token.kind.value}
        return Caller(user, token, channel, presented.address, presented.request_id, fields)


def bearer_token(request: HTTPConnection) -> str:
    """Return the token in the only Authorization header of a request, or "" if there is none."""
    # With two headers it would be unclear which token authenticates, so neither does.
    headers = request.headers.getlist("authorization")
    scheme, _, token = headers[0].partition(" ") if len(headers) == 1 else ("", "", "")
    return token.strip() if scheme.lower() == "bearer" else ""


def _required_token(request: HTTPConnection) -> str:
    if token := bearer_token(request):
        return token
    raise Unauthenticated("No API token was sent. Send one as “Authorization: Bearer TOKEN”.")
