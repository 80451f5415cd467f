"""The API calls about API tokens of all users, for Administrators."""

from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

from starlette.responses import Response

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.model import TokenRecord
from daypass.portal.http.api.schemas import admin as schemas
from daypass.portal.http.api.schemas.member import answer_with, read_body, read_query
from daypass.portal.http.api.users import user_ref
from daypass.portal.http.core.endpoints import ApiRequest, answer_nothing


@dataclass(frozen=True, slots=True)
class Tokens:
    """The handlers of calls about API tokens."""

    administration: Administration

    def list_all(self, request: ApiRequest) -> Response:
        """Return a page of the valid tokens."""
        query = read_query(schemas.TokensQuery, dict(request.query))
        page = self.administration.tokens.page(query.user, query.kind, query.page_request).map(
            represent_token
        )
        answer = schemas.TokenPage(tokens=list(page.records), next_cursor=page.next_cursor)
        return answer_with(answer)

    def create(self, request: ApiRequest) -> Response:
        """Create a token for a user."""
        body = read_body(schemas.TokenCreate, request.body)
        owner = self.administration.users.find(body.user).user
        secret, token = self.administration.tokens.create(
            owner.id, body.name, request.caller, lifetime=timedelta(days=body.days)
        )
        answer = schemas.NewToken(
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


def represent_token(record: TokenRecord) -> schemas.TokenRecord:
    """Return the API's representation of a token."""
    return schemas.TokenRecord(
        id=record.id,
        kind=record.kind,
        name=record.name,
        user=user_ref(record.owner),
        created_at=record.created_at,
        expires_at=record.expires_at,
        last_used_at=record.last_used_at,
        application=record.application,
        allows_admin=record.allows_admin,
        reauthentication_exempt=record.reauthentication_exempt,
    )
