"""The API calls about identity providers that provision by SCIM, and their tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from pydantic import BaseModel, Field
from starlette.responses import Response

from daypass.portal.admin.provisioning.service import Provisioning, ScimProviderRecord
from daypass.portal.errors import ScimProviderNotFound, ScimTokenLimit, TokenNotFound
from daypass.portal.http.api.codec import answer_with
from daypass.portal.http.api.operation import Operation
from daypass.portal.http.api.schema import Moment
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.endpoints import ApiRequest, answer_nothing
from daypass.portal.http.services import Services
from daypass.portal.identity.provisioning.model import MOST_TOKENS

_TOKENS = f"The valid tokens, then the newest revoked ones, up to {MOST_TOKENS}."


class ScimTokenRead(BaseModel):
    """A token of an identity provider, without its secret value."""

    id: str
    created_at: Moment
    last_used_at: Annotated[Moment | None, Field(description="Exact to a minute; null for never.")]
    revoked_at: Annotated[Moment | None, Field(description="Null while the token is valid: it has no end.")]


class ScimProviderRead(BaseModel):
    """An identity provider that provisions by SCIM."""

    name: str
    title: str
    configured: Annotated[
        bool,
        Field(description="False for a provider that does not provision any more, but has a valid token."),
    ]
    base_url: Annotated[str, Field(description="The address to enter at the provider.")]
    users: Annotated[int, Field(description="The number of users that it made and did not delete.")]
    enabled_users: int
    groups: int
    last_used_at: Annotated[Moment | None, Field(description="Its last call; null for none.")]
    tokens: Annotated[list[ScimTokenRead], Field(description=_TOKENS)]


class ScimProviderList(BaseModel):
    """All identity providers that provision by SCIM."""

    scim_providers: list[ScimProviderRead]


class NewScimToken(BaseModel):
    """A new token of an identity provider, with its secret value."""

    id: str
    provider: str
    created_at: Moment
    token: Annotated[str, Field(repr=False, description="The secret value. It cannot be read again.")]


@dataclass(frozen=True, slots=True)
class Handlers:
    """The handlers of calls about provisioning."""

    provisioning: Provisioning

    def list_all(self, _request: ApiRequest) -> Response:
        """Return every provider."""
        every = [self._represent(each) for each in self.provisioning.providers()]
        return answer_with(ScimProviderList(scim_providers=every))

    def create(self, request: ApiRequest) -> Response:
        """Create a token."""
        secret, token = self.provisioning.create_token(request.path["provider"], request.caller)
        answer = NewScimToken(
            id=token.id, provider=token.provider, created_at=token.created_at, token=secret.reveal()
        )
        return answer_with(answer, HTTPStatus.CREATED)

    def revoke(self, request: ApiRequest) -> Response:
        """Revoke a token."""
        self.provisioning.revoke_token(request.path["provider"], request.path["token"], request.caller)
        return answer_nothing()

    def _represent(self, record: ScimProviderRecord) -> ScimProviderRead:
        return ScimProviderRead(
            name=record.name,
            title=record.title,
            configured=record.is_configured,
            base_url=self.provisioning.base_url,
            users=record.users,
            enabled_users=record.enabled_users,
            groups=record.groups,
            last_used_at=record.last_used_at,
            tokens=[
                ScimTokenRead(
                    id=each.id,
                    created_at=each.created_at,
                    last_used_at=each.last_used_at,
                    revoked_at=each.revoked_at,
                )
                for each in record.tokens
            ],
        )


def operations(services: Services) -> Sequence[Operation]:
    """Return the operations."""
    handlers = Handlers(services.administration.provisioning)
    provider = {"provider": "The name of the identity provider in the configuration."}
    return [
        Operation(
            method="GET",
            path="/scim-providers",
            name="scimProviders",
            summary="List identity providers that provision, with their tokens",
            permission=Permission.ADMINISTRATOR,
            handler=handlers.list_all,
            answer=ScimProviderList,
        ),
        Operation(
            method="POST",
            path="/scim-providers/{provider}/tokens",
            name="createScimToken",
            summary="Create a token by which an identity provider provisions",
            permission=Permission.ADMINISTRATOR,
            handler=handlers.create,
            answer=NewScimToken,
            status=HTTPStatus.CREATED,
            refusals=(ScimProviderNotFound, ScimTokenLimit),
            parameters=provider,
        ),
        Operation(
            method="DELETE",
            path="/scim-providers/{provider}/tokens/{token}",
            name="revokeScimToken",
            summary="Revoke a token of an identity provider",
            permission=Permission.ADMINISTRATOR,
            handler=handlers.revoke,
            status=HTTPStatus.NO_CONTENT,
            refusals=(TokenNotFound,),
            parameters={**provider, "token": "The id of the token."},
        ),
    ]
