"""Who one is to the portal."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import Response

from daypass.portal.errors import AwsError
from daypass.portal.http.api.schemas import member
from daypass.portal.http.api.schemas.member import answer_with
from daypass.portal.http.core.endpoints import ApiRequest


@dataclass(frozen=True, slots=True)
class Me:
    """The calls about the caller."""

    account_id: Callable[[], str]
    """Return the portal's account, or raise an `AwsError` while it is unknown."""
    region: str
    version: str
    aws_endpoint_url: str | None = None

    def me(self, call: ApiRequest) -> Response:
        """The caller, their token, and where they are."""
        user, token = call.caller.user, call.caller.token
        answer = member.Me(
            user=member.Profile(id=user.id, username=user.username, role=user.role),
            token=member.TokenRead(
                id=token.id, kind=token.kind, name=token.name, expires_at=token.expires_at
            ),
            account_id=self._known_account(),
            region=self.region,
            version=self.version,
            aws_endpoint_url=self.aws_endpoint_url,
        )
        return answer_with(answer)

    def _known_account(self) -> str:
        # Clients ask who they are before all else, also when no AWS is needed.
        try:
            return self.account_id()
        except AwsError:
            return ""
