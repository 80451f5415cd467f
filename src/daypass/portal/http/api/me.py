"""The API call about the caller."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, Field
from starlette.responses import Response

from daypass.portal.accounts.model import Account
from daypass.portal.errors import AwsError
from daypass.portal.http.api.codec import answer_with
from daypass.portal.http.api.operation import Operation
from daypass.portal.http.api.schema import Moment, UserRef
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.endpoints import ApiRequest
from daypass.portal.http.services import Services
from daypass.portal.identity.model import Role, TokenKind


class Profile(UserRef):
    """The caller."""

    role: Role


class TokenRead(BaseModel):
    """The API token of the request, without its secret value."""

    id: str
    kind: TokenKind
    name: str
    expires_at: Moment


class Me(BaseModel):
    """The caller, and the portal's AWS account and region."""

    user: Profile
    token: TokenRead
    account_id: Annotated[
        str,
        Field(description="The AWS account of sessions. Empty until the portal has reached AWS."),
    ]
    region: Annotated[str, Field(description="The AWS region of admin sessions.")]
    version: Annotated[str, Field(description="The portal's version.")]
    aws_endpoint_url: Annotated[
        str | None, Field(description="The endpoint that replaces AWS in a sandbox. Absent for AWS itself.")
    ] = None


@dataclass(frozen=True, slots=True)
class MeHandler:
    """The handler of the call about the caller."""

    account: Account
    """The account of admin sessions."""
    version: str
    aws_endpoint_url: str | None = None

    def me(self, request: ApiRequest) -> Response:
        """Return the caller, their token, and the portal's account, region and version."""
        user, token = request.caller.user, request.caller.token
        answer = Me(
            user=Profile(id=user.id, username=user.username, role=user.role),
            token=TokenRead(id=token.id, kind=token.kind, name=token.name, expires_at=token.expires_at),
            account_id=self._known_account(),
            region=self.account.region,
            version=self.version,
            aws_endpoint_url=self.aws_endpoint_url,
        )
        return answer_with(answer)

    def _known_account(self) -> str:
        # Clients make this call first, and must be able to do so while AWS is unavailable.
        try:
            return self.account.id
        except AwsError:
            return ""


def operations(services: Services) -> Sequence[Operation]:
    """Return the operation."""
    endpoint_url = services.config.aws.endpoint_url
    handler = MeHandler(services.accounts.default, services.release, endpoint_url)
    return [
        Operation(
            method="GET",
            path="/me",
            name="me",
            summary="Get the caller",
            permission=Permission.SESSION,
            handler=handler.me,
            answer=Me,
        )
    ]
