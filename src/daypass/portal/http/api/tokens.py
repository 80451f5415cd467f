"""The API calls about API tokens of all users, for Administrators."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated

from pydantic import BaseModel, Field
from starlette.responses import Response

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.model import TokenRecord as StoredToken
from daypass.portal.errors import BreakGlassProtected, TokenNotFound, UserNotFound
from daypass.portal.http.api.codec import answer_with, read_body, read_query
from daypass.portal.http.api.operation import Operation
from daypass.portal.http.api.schema import Moment, Paged, PageQuery, RequestBody, UserRef, example
from daypass.portal.http.api.users.handlers import user_ref
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.endpoints import ApiRequest, answer_nothing
from daypass.portal.http.services import Services
from daypass.portal.identity.model import TokenKind
from daypass.portal.identity.scopes import ADMIN_SCOPE


class TokensQuery(PageQuery):
    """The query parameters of the list of API tokens."""

    user: Annotated[
        str | None, Field(max_length=255, description="Only tokens of this user, by username or id.")
    ] = None
    kind: Annotated[TokenKind | None, Field(description="Only tokens of this kind.")] = None


class TokenRecord(BaseModel):
    """An API token, without its secret value."""

    id: str
    kind: TokenKind
    name: str
    user: UserRef
    created_at: Moment
    expires_at: Moment
    last_used_at: Moment | None
    application: str
    allows_admin: bool
    reauthentication_exempt: Annotated[
        bool, Field(description="Whether the token can make changes that require reauthentication.")
    ]


class TokenPage(Paged):
    """A page of valid API tokens, sorted by expiry."""

    tokens: list[TokenRecord]


class TokenCreate(RequestBody):
    """The request to create a permanent API token."""

    model_config = example(user="ci-bot", name="nightly build", days=90)

    user: Annotated[
        str, Field(min_length=1, max_length=255, description="The owner of the token, by username or id.")
    ]
    name: Annotated[str, Field(max_length=255, description="The name of the token, such as its purpose.")]
    days: Annotated[int, Field(ge=1, le=365, description="The number of days until the token expires.")] = 365


class NewToken(BaseModel):
    """A new permanent API token, with its secret value."""

    id: str
    user: UserRef
    name: str
    expires_at: Moment
    token: Annotated[str, Field(repr=False, description="The secret value. It cannot be read again.")]


@dataclass(frozen=True, slots=True)
class Tokens:
    """The handlers of calls about API tokens."""

    administration: Administration

    def list_all(self, request: ApiRequest) -> Response:
        """Return a page of the valid tokens."""
        query = read_query(TokensQuery, dict(request.query))
        page = self.administration.tokens.page(query.user, query.kind, query.page_request).map(
            represent_token
        )
        answer = TokenPage(tokens=list(page.records), next_cursor=page.next_cursor)
        return answer_with(answer)

    def create(self, request: ApiRequest) -> Response:
        """Create a token for a user."""
        body = read_body(TokenCreate, request.body)
        owner = self.administration.users.find(body.user).user
        secret, token = self.administration.tokens.create(
            owner.id, body.name, request.caller, lifetime=timedelta(days=body.days)
        )
        answer = NewToken(
            id=token.id,
            user=user_ref(owner),
            name=token.name,
            expires_at=token.expires_at,
            token=secret.reveal(),
        )
        return answer_with(answer, HTTPStatus.CREATED)

    def revoke(self, request: ApiRequest) -> Response:
        """Revoke a token."""
        self.administration.tokens.revoke(request.path["token"], request.caller)
        return answer_nothing()


def represent_token(record: StoredToken) -> TokenRecord:
    """Return the API's representation of a token."""
    return TokenRecord(
        id=record.id,
        kind=record.kind,
        name=record.name,
        user=user_ref(record.owner),
        created_at=record.created_at,
        expires_at=record.expires_at,
        last_used_at=record.last_used_at,
        application=record.application,
        allows_admin=ADMIN_SCOPE in record.scopes,
        reauthentication_exempt=record.reauthentication_exempt,
    )


def operations(services: Services) -> Sequence[Operation]:
    """Return the operations."""
    tokens = Tokens(services.administration)
    return [
        Operation(
            method="GET",
            path="/tokens",
            name="tokens",
            summary="List valid API tokens",
            permission=Permission.ADMINISTRATOR,
            handler=tokens.list_all,
            query=TokensQuery,
            answer=TokenPage,
            refusals=(UserNotFound,),
        ),
        Operation(
            method="POST",
            path="/tokens",
            name="createToken",
            summary="Create a permanent API token for a user",
            permission=Permission.ADMINISTRATOR,
            handler=tokens.create,
            body=TokenCreate,
            answer=NewToken,
            status=HTTPStatus.CREATED,
            refusals=(UserNotFound, BreakGlassProtected),
        ),
        Operation(
            method="DELETE",
            path="/tokens/{token}",
            name="revokeToken",
            summary="Revoke an API token and all tokens derived from it",
            permission=Permission.ADMINISTRATOR,
            handler=tokens.revoke,
            status=HTTPStatus.NO_CONTENT,
            refusals=(TokenNotFound,),
            parameters={"token": "The id of the API token."},
        ),
    ]
