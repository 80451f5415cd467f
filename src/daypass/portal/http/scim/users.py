"""The endpoint /Users (RFC 7644, section 3)."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus

from starlette.responses import Response
from starlette.routing import BaseRoute

from daypass.portal.errors import ScimRefused
from daypass.portal.http.core.endpoints import answer_nothing
from daypass.portal.http.core.routing import exact
from daypass.portal.http.scim.discovery import PREFIX, USER
from daypass.portal.http.scim.documents import Document, check_own_id, document, parsed
from daypass.portal.http.scim.endpoints import ScimEndpoints, ScimRequest
from daypass.portal.http.scim.queries import PageParameters, check_length, query_of, selected
from daypass.portal.identity.provisioning.model import ProvisionedUser, WantedUser
from daypass.portal.identity.provisioning.users import ProvisionedUsers

PATH = f"{PREFIX}/Users"

_LOOKUP = re.compile(r'(userName|externalId) eq ("(?:[^"\\]|\\.)*")', re.IGNORECASE)
"""The filters that providers send before every change; they are answered from an index."""


@dataclass(frozen=True, slots=True)
class UserHandlers:
    """The handlers of requests for users."""

    users: ProvisionedUsers
    base: str
    """The address of the channel."""

    def page(self, request: ScimRequest) -> Response:
        """Return a page of the provider's users, or of those that a filter finds."""
        page = PageParameters.of(request.query)
        text = request.query.get("filter", "")
        if text:
            found = self.filtered(request.by.provider, text)
            shown, total = found[page.start - 1 : page.start - 1 + page.count], len(found)
        else:
            part = self.users.page(request.by.provider, page.start - 1, page.count)
            shown, total = part.users, part.total
        return document(
            page.answer([selected(self.represented(user), request.query) for user in shown], total)
        )

    def search(self, request: ScimRequest) -> Response:
        """Return the page that a body asks for (RFC 7644, section 3.4.3), instead of a query string."""
        return self.page(replace(request, query=query_of(parsed(request.body))))

    def show(self, request: ScimRequest) -> Response:
        """Return one user."""
        return self._answer(request, self.users.find(request.by.provider, request.path["user"]))

    def create(self, request: ScimRequest) -> Response:
        """Create a user."""
        made = self.users.create(_new_user(parsed(request.body)), request.by)
        response = self._answer(request, made, HTTPStatus.CREATED)
        response.headers["Location"] = self._location(made)
        return response

    def replace(self, request: ScimRequest) -> Response:
        """Replace the attributes of a user; without `active`, the user stays enabled or disabled."""
        content, user_id = parsed(request.body), request.path["user"]
        check_own_id(content, user_id)
        wanted = _new_user(content)
        changed = self.users.update(user_id, lambda _old: wanted, request.by, request.expected_tag)
        return self._answer(request, changed)

    def patch(self, request: ScimRequest) -> Response:
        """Apply the operations of a PATCH, all or none."""
        from daypass.portal.http.scim.resources import patched

        content = parsed(request.body)

        def edit(old: ProvisionedUser) -> WantedUser:
            return patched(old, content)

        changed = self.users.update(request.path["user"], edit, request.by, request.expected_tag)
        return self._answer(request, changed)

    def delete(self, request: ScimRequest) -> Response:
        """Delete a user."""
        self.users.delete(request.path["user"], request.by, request.expected_tag)
        return answer_nothing()

    def filtered(self, provider: str, text: str) -> Sequence[ProvisionedUser]:
        """Return the provider's users that a filter finds; raises `ScimRefused`."""
        # Without scim2-models, whose import would delay the first request after each start by two seconds.
        lookup = _LOOKUP.fullmatch(text.strip())
        if lookup is not None:
            value = _literal(lookup[2])
            if lookup[1].lower() == "username":
                return self.users.with_username(provider, value)
            return self.users.with_external_id(provider, value)
        check_length(text)
        from daypass.portal.http.scim.resources import parse_filter

        matches = parse_filter(text)
        return [user for user in self.users.all(provider) if matches(user)]

    def _answer(
        self, request: ScimRequest, user: ProvisionedUser, status: HTTPStatus = HTTPStatus.OK
    ) -> Response:
        return document(selected(self.represented(user), request.query), status, _etag(user))

    def represented(self, user: ProvisionedUser) -> Document:
        """Return the resource of a user."""
        external_id = {} if user.external_id is None else {"externalId": user.external_id}
        return {
            "schemas": [USER],
            "id": user.user.id,
            **external_id,
            "userName": user.user_name,
            **json.loads(user.attributes),
            "active": user.is_active,
            "meta": {
                "resourceType": "User",
                "created": user.created_at.isoformat(),
                "lastModified": user.updated_at.isoformat(),
                "location": self._location(user),
                "version": _etag(user),
            },
        }

    def _location(self, user: ProvisionedUser) -> str:
        return f"{self.base}/Users/{user.user.id}"


def _new_user(content: Document) -> WantedUser:
    from daypass.portal.http.scim.resources import new_user

    return new_user(content)


def _etag(user: ProvisionedUser) -> str:
    return f'W/"{user.tag}"'


def _literal(text: str) -> str:
    """Return the value of a string in a filter, which is one of JSON; raises `ScimRefused`."""
    try:
        value = json.loads(text)
    except ValueError:
        raise ScimRefused("invalidFilter", "The value of the filter is no string of JSON.") from None
    return str(value)


def routes(handlers: UserHandlers, endpoints: ScimEndpoints) -> Sequence[BaseRoute]:
    """Return the routes of users."""
    one = PATH + "/{user}"
    return [
        exact("GET", PATH, endpoints.endpoint(handlers.page)),
        exact("POST", PATH, endpoints.endpoint(handlers.create)),
        exact("POST", f"{PATH}/.search", endpoints.endpoint(handlers.search)),
        exact("GET", one, endpoints.endpoint(handlers.show)),
        exact("PUT", one, endpoints.endpoint(handlers.replace)),
        exact("PATCH", one, endpoints.endpoint(handlers.patch)),
        exact("DELETE", one, endpoints.endpoint(handlers.delete)),
    ]
