"""Who one is to the portal, and what one may use."""

from dataclasses import dataclass

from starlette.responses import Response

from daypass.portal.http.api import wire
from daypass.portal.http.doorway import Call, answer_json
from daypass.portal.http.tenants import access_of, visible_tenants
from daypass.portal.storage.engine import Database


@dataclass(frozen=True, slots=True)
class Myself:
    """The calls about the caller."""

    database: Database
    account_id: str
    region: str
    version: str

    def me(self, call: Call) -> Response:
        """The caller, their token, and where they are."""
        user, token = call.caller.user, call.caller.token
        answer = wire.Me(
            user=wire.Profile(id=user.id, username=user.username, role=user.role),
            token=wire.TokenFacts(id=token.id, kind=token.kind, name=token.name, expires_at=token.expires_at),
            account_id=self.account_id,
            region=self.region,
            version=self.version,
        )
        return answer_json(answer.model_dump_json().encode())

    def tenants(self, call: Call) -> Response:
        """The tenants that the caller may use."""
        user = call.caller.user
        tenants = [
            wire.TenantFacts(
                id=seen.tenant.id,
                name=seen.tenant.name,
                region=seen.tenant.region,
                access=access_of(user, seen),
            )
            for seen in visible_tenants(self.database, user)
        ]
        return answer_json(wire.TenantList(tenants=tenants).model_dump_json().encode())
