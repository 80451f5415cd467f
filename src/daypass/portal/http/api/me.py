"""The API call about the caller."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import Response

from daypass.portal.errors import AwsError
from daypass.portal.http.api.schemas import member
from daypass.portal.http.api.schemas.member import answer_with
from daypass.portal.http.core.endpoints import ApiRequest


@dataclass(frozen=True, slots=True)
class Me:
    """The handler of calls about the caller."""

    account_id: Callable[[], str]
    """Return the portal's account, or raise an `AwsError` while it is unknown."""
    region: str
    version: str
    aws_endpoint_url: str | None = None

    def me(self, request: ApiRequest) -> Response:
        """Return the caller, their token, and the portal's account, region and version."""
        user, token = request.caller.user, request.caller.token
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
        # Clients make this call first, and must be able to do so while AWS is unavailable.
        try:
            return self.account_id()
        except AwsError:
            return ""
