"""The legacy calls that issue AWS access. They use GET, so they do not accept cookies (CSRF)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from daypass.portal.access.issue import Issuer
from daypass.portal.access.model import IssuedSession, Purpose, SessionRequest
from daypass.portal.clock import Clock
from daypass.portal.http.core.endpoints import ApiRequest
from daypass.portal.http.core.problems import NotFound
from daypass.portal.http.legacy.routes import LegacyRoutes
from daypass.portal.http.services import Services
from daypass.portal.identity.scopes import ADMIN_SCOPE, Scope

# duplo-jit requests either role. There is one master role, so they mean the same.
_ADMIN_ROLES = frozenset({"admin", "duplo-ops"})
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Jit:
    """The handlers that issue credentials together with a console link, as the clients expect."""

    issuer: Issuer
    clock: Clock

    def admin(self, request: ApiRequest) -> Response:
        """Issue access by the master role."""
        return self._issue(request, ADMIN_SCOPE)

    def admin_by_role(self, request: ApiRequest) -> Response:
        """Issue access by the master role, under either of the role names that clients send."""
        if request.path["role"] not in _ADMIN_ROLES:
            raise NotFound("There is no such admin role. Use admin or duplo-ops.")
        return self._issue(request, ADMIN_SCOPE)

    def tenant(self, request: ApiRequest) -> Response:
        """Issue access to one tenant."""
        return self._issue(request, Scope.of_tenant(request.path["tenant"]))

    def _issue(self, request: ApiRequest, scope: Scope) -> Response:
        session = self.issuer.issue(request.caller, SessionRequest(scope, purpose=Purpose.BOTH))
        return JSONResponse(self._shape(session))

    def _shape(self, session: IssuedSession) -> dict[str, object]:
        keys, link = session.credentials, session.console_url
        return {
            "AccessKeyId": keys.access_key_id,
            "SecretAccessKey": keys.secret_access_key.reveal(),
            "SessionToken": keys.session_token.reveal(),
            # `duploctl jit web` fails if this field is missing.
            "ConsoleUrl": "" if link is None else link.reveal(),
            "Region": session.region,
            # duplo-jit uses the seconds from now; duploctl uses the timestamp and requires an offset.
            "Validity": max(0, (session.expires_at - self.clock()) // _SECOND),
            "Expiration": session.expires_at.astimezone(UTC).isoformat(timespec="seconds"),
        }


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""
    jit, make = Jit(services.issuer, services.clock), LegacyRoutes.of(services)
    return [
        make.issue("/adminproxy/GetJITAwsConsoleAccessUrl", jit.admin),
        make.issue("/v3/admin/aws/jitAccess/{role}", jit.admin_by_role),
        make.issue("/subscriptions/{tenant}/GetAwsConsoleTokenUrl", jit.tenant),
    ]
