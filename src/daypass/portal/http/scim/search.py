"""The search of all types of resources (RFC 7644, section 3.4.3)."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response
from starlette.routing import BaseRoute

from daypass.portal.errors import ScimRefused
from daypass.portal.http.core.routing import exact
from daypass.portal.http.scim.discovery import PREFIX
from daypass.portal.http.scim.documents import Document, document, parsed
from daypass.portal.http.scim.endpoints import ScimEndpoints, ScimRequest
from daypass.portal.http.scim.groups import GroupHandlers
from daypass.portal.http.scim.queries import PageParameters, query_of, selected
from daypass.portal.http.scim.users import UserHandlers


@dataclass(frozen=True, slots=True)
class SearchHandlers:
    """The handler of a search that names no type."""

    users: UserHandlers
    groups: GroupHandlers

    def search(self, request: ScimRequest) -> Response:
        """Return a page of the provider's users, and then of its groups."""
        query = query_of(parsed(request.body))
        page = PageParameters.of(query)
        found = self._found(request.by.provider, query.get("filter", ""))
        shown = found[page.start - 1 : page.start - 1 + page.count]
        return document(page.answer([selected(each, query) for each in shown], len(found)))

    def _found(self, provider: str, text: str) -> Sequence[Document]:
        users, groups = self.users, self.groups
        if not text:
            return [
                *(users.represented(user) for user in users.users.all(provider)),
                *(groups.represented(group) for group in groups.groups.all(provider)),
            ]
        found: list[Document] = []
        refusals: list[ScimRefused] = []
        try:
            found += (users.represented(user) for user in users.filtered(provider, text))
        except ScimRefused as refusal:
            refusals.append(refusal)
        try:
            matching = groups.groups.with_members(provider, groups.filtered(provider, text))
            found += (groups.represented(group) for group in matching)
        except ScimRefused as refusal:
            refusals.append(refusal)
        # A filter may name what only one of the types has, which finds nothing of the other.
        if len(refusals) > 1:
            raise refusals[0]
        return found


def routes(handlers: SearchHandlers, endpoints: ScimEndpoints) -> Sequence[BaseRoute]:
    """Return the route of the search."""
    return [exact("POST", f"{PREFIX}/.search", endpoints.endpoint(handlers.search))]
