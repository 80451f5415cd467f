"""Who one is to the portal."""

from dataclasses import dataclass

from starlette.responses import Response

from daypass.portal.http.api import wire
from daypass.portal.http.api.wire import answer_with
from daypass.portal.http.doorway import Call


@dataclass(frozen=True, slots=True)
class Myself:
    """The calls about the caller."""

    account_id: str
    region: str
    version: str
    aws_endpoint_url: str | None = None

    def me(self, call: Call) -> Response:
        """The caller, their token, and where they are."""
        user, token = call.caller.user, call.caller.token
        answer = wire.Me(
            user=wire.Profile(id=user.id, username=user.username, role=user.role),
            token=wire.TokenFacts(id=token.id, kind=token.kind, name=token.name, expires_at=token.expires_at),
            account_id=self.account_id,
            region=self.region,
            version=self.version,
            aws_endpoint_url=self.aws_endpoint_url,
        )
        return answer_with(answer)
