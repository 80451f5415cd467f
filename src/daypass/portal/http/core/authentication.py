"""Who is calling: the bearer token and the address of a request. Cookies are the pages' own, in `frame`."""

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Address, ip_address

from starlette.requests import HTTPConnection

from daypass.portal.access.model import Caller, Channel
from daypass.portal.config import Network
from daypass.portal.errors import AccessDenied, Unauthenticated
from daypass.portal.http.core.problems import LOG_FIELDS, REQUEST_ID
from daypass.portal.identity.authentication import Identity
from daypass.portal.identity.model import BEARER_KINDS, ApiToken, TokenKind, User
from daypass.portal.identity.scopes import require_admin_scope


class Permission(StrEnum):
    """What a route asks of its caller. Every route names one."""

    ANYBODY = "anybody"
    JIT = "jit"
    """A good API token, or one that its owner agreed to for JIT access and nothing else."""
    USER = "user"
    """A good API token. What it reaches beyond the caller's own things, the domain decides."""
    ADMINISTRATOR = "administrator"

    @property
    def accepts(self) -> frozenset[TokenKind]:
        """The kinds of tokens that count here."""
        return BEARER_KINDS | {TokenKind.APPROVAL} if self is Permission.JIT else BEARER_KINDS

    def check(self, user: User, token: ApiToken) -> None:
        """Return if *user* may pass with *token*; raises `AccessDenied` or `InsufficientScope`."""
        if self is not Permission.ADMINISTRATOR:
            return
        if not user.is_administrator:
            raise AccessDenied("This is for Administrators.")
        require_admin_scope(token)


@dataclass(frozen=True, slots=True)
class PresentedCredentials:
    """What a request says of its caller, before anything of it is believed."""

    # Whatever prints this, a traceback with its values for one, must not print the token.
    token: str = field(repr=False)
    address: str
    request_id: str
    log_fields: dict[str, str] = field(default_factory=dict)
    """More fields for the log line of the request."""


@dataclass(frozen=True, slots=True)
class ClientAddresses:
    """Finds out from where a request comes."""

    trusted_proxies: tuple[Network, ...] = ()
    """Whose X-Forwarded-For counts; empty where the portal stands in front itself."""

    def of(self, request: HTTPConnection) -> str:
        """The address of the client, as far as it can be believed."""
        peer = request.client.host if request.client else ""
        address = _plain_address(peer) or peer
        # From right to left: each trusted proxy vouches for the one address before it and for no other.
        for hop in reversed(",".join(request.headers.getlist("x-forwarded-for")).split(",")):
            if not self._is_trusted(address):
                break
            named = _plain_address(hop.strip())
            if named is None:
                break
            address = named
        return address

    def _is_trusted(self, address: str) -> bool:
        if not self.trusted_proxies or _plain_address(address) is None:
            return False
        return any(ip_address(address) in net for net in self.trusted_proxies)


@lru_cache(maxsize=1024)
def _plain_address(text: str) -> str | None:
    """An address in its one spelling; None where it is none, or has a zone, which may be any text."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return str(address)
    if address.scope_id is not None:
        return None
    return str(address.ipv4_mapped or address)


@dataclass(frozen=True, slots=True)
class Authenticator:
    """Finds out who is behind a request."""

    identity: Identity
    addresses: ClientAddresses = ClientAddresses()

    def presented(self, request: HTTPConnection) -> PresentedCredentials:
        """Token and address of a request; raises `Unauthenticated` when there is not exactly one token."""
        scope = request.scope
        return PresentedCredentials(
            _bearer(request), self.addresses.of(request), scope[REQUEST_ID], scope.get(LOG_FIELDS, {})
        )

    def identify(
        self, presented: PresentedCredentials, door: Channel, accepts: Collection[TokenKind]
    ) -> Caller:
        """The caller, by the database as of now; raises `Unauthenticated` or `SignInAgain`."""
        token, user = self.identity.authenticate(
            presented.token, accepts, address=presented.address, request_id=presented.request_id
        )
        fields = presented.log_fields
        fields["user"] = user.username
        return Caller(user, token, door, presented.address, presented.request_id, fields)


def _bearer(request: HTTPConnection) -> str:
    headers = request.headers.getlist("authorization")
    scheme, _, token = headers[0].partition(" ") if len(headers) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("No API token came with this. Send one as “Authorization: Bearer TOKEN”.")
    return token.strip()
