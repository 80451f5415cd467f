"""The legacy calls that hand out AWS access; they work by GET, so none of them looks at a cookie."""

from dataclasses import dataclass
from datetime import UTC, timedelta

from starlette.responses import JSONResponse, Response

from daypass.portal.access.issue import Issuer
from daypass.portal.access.model import AdminScope, Ask, Issuance, Purpose, Scope, TenantScope
from daypass.portal.clock import Clock
from daypass.portal.http.core.endpoints import ApiRequest
from daypass.portal.http.core.problems import NotFound

_ADMIN_ROLES = frozenset({"admin", "duplo-ops"})
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Jit:
    """Keys and a console link in one answer, as the clients expect."""

    issuer: Issuer
    clock: Clock

    def admin(self, call: ApiRequest) -> Response:
        """Access by the master role."""
        return self._issue(call, AdminScope())

    def admin_by_role(self, call: ApiRequest) -> Response:
        """The same under another address; both names that clients send mean the master role."""
        if call.path["role"] not in _ADMIN_ROLES:
            raise NotFound("There is no such admin role; there are admin and duplo-ops.")
        return self._issue(call, AdminScope())

    def tenant(self, call: ApiRequest) -> Response:
        """Access to one tenant."""
        return self._issue(call, TenantScope(call.path["tenant"]))

    def _issue(self, call: ApiRequest, scope: Scope) -> Response:
        issuance = self.issuer.issue(call.caller, Ask(scope, purpose=Purpose.BOTH))
        return JSONResponse(self._shape(issuance))

    def _shape(self, issuance: Issuance) -> dict[str, object]:
        keys, link = issuance.credentials, issuance.console_url
        return {
            "AccessKeyId": keys.access_key_id,
            "SecretAccessKey": keys.secret_access_key.reveal(),
            "SessionToken": keys.session_token.reveal(),
            "ConsoleUrl": "" if link is None else link.reveal(),
            "Region": issuance.region,
            # duplo-jit counts from now on; duploctl believes the moment, and trips over a missing offset.
            "Validity": max(0, (issuance.expires_at - self.clock()) // _SECOND),
            "Expiration": issuance.expires_at.astimezone(UTC).isoformat(timespec="seconds"),
        }
