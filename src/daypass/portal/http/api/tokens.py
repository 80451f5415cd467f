"""API tokens of all users, for Administrators."""

from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

from starlette.responses import Response

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.users.store.tokens import TokenRecord
from daypass.portal.http.api.schemas import admin as wire
from daypass.portal.http.api.schemas.member import answer_with, read_body, read_query
from daypass.portal.http.api.users import user_ref
from daypass.portal.http.core.endpoints import ApiRequest, answer_nothing
from daypass.portal.storage.pagination import PageRequest


@dataclass(frozen=True, slots=True)
class Tokens:
    """The calls about API tokens."""

    all_: Administration

    def listed(self, call: ApiRequest) -> Response:
        """A page of the tokens that count."""
        asked = read_query(wire.TokensQuery, dict(call.query))
        page = self.all_.tokens.page(asked.user, asked.kind, PageRequest(asked.cursor, asked.limit)).each(
            token_facts
        )
        answer = wire.TokenPage(tokens=list(page.records), next_cursor=page.next_cursor)
        return answer_with(answer)

    def created(self, call: ApiRequest) -> Response:
        """Make one for somebody."""
        asked = read_body(wire.TokenCreate, call.body)
        owner = self.all_.users.find(asked.user).user
        secret, token = self.all_.tokens.create(
            owner.id, asked.name, call.caller, lifetime=timedelta(days=asked.days)
        )
        answer = wire.NewToken(
            id=token.id,
            user=user_ref(owner),
            name=token.name,
            expires_at=token.expires_at,
            token=secret.reveal(),
        )
        return answer_with(answer, HTTPStatus.CREATED)

    def revoked(self, call: ApiRequest) -> Response:
        """End one."""
        self.all_.tokens.revoke(call.path["token"], call.caller)
        return answer_nothing()


def token_facts(record: TokenRecord) -> wire.TokenRecord:
    """What is known of a token."""
    return wire.TokenRecord(
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
