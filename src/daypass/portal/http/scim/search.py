"""The search of all types of resources (RFC 7644, section 3.4.3)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from starlette.responses import Response
from starlette.routing import BaseRoute

from daypass.portal.errors import ScimRefused
from daypass.portal.groups.provisioning.model import ProvisionedGroup
from daypass.portal.http.core.routing import exact
from daypass.portal.http.scim.discovery import PREFIX
from daypass.portal.http.scim.documents import Document, document, parsed
from daypass.portal.http.scim.endpoints import ScimEndpoints, ScimRequest
from daypass.portal.http.scim.groups import GroupHandlers
from daypass.portal.http.scim.queries import PageParameters, query_of, selected
from daypass.portal.http.scim.users import UserHandlers
from daypass.portal.identity.provisioning.model import ProvisionedUser


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
        resources = [selected(each, query) for each in self._represented(request.by.provider, shown)]
        return document(page.answer(resources, len(found)))

    def _represented(
        self, provider: str, shown: Sequence[ProvisionedUser | ProvisionedGroup]
    ) -> Iterator[Document]:
        # The members of these groups only: all groups together can have very many.
        groups = [each for each in shown if isinstance(each, ProvisionedGroup)]
        yield from (self.users.represented(each) for each in shown if isinstance(each, ProvisionedUser))
        yield from (
            self.groups.represented(each) for each in self.groups.groups.with_members(provider, groups)
        )

    def _found(self, provider: str, text: str) -> Sequence[ProvisionedUser | ProvisionedGroup]:
        """Return the users, then the groups, that a filter finds; the groups perhaps without members."""
        users, groups = self.users, self.groups
        if not text:
            return [*users.users.all(provider), *groups.groups.all(provider, with_members=False)]
        found: list[ProvisionedUser | ProvisionedGroup] = []
        refusals: list[ScimRefused] = []
        try:
            found += users.filtered(provider, text)
        except ScimRefused as refusal:
            refusals.append(refusal)
        try:
            found += groups.filtered(provider, text)
        except ScimRefused as refusal:
            refusals.append(refusal)
        # A filter may name what only one of the types has, which finds nothing of the other.
        if len(refusals) > 1:
            raise refusals[0]
        return found


def routes(handlers: SearchHandlers, endpoints: ScimEndpoints) -> Sequence[BaseRoute]:
    """Return the route of the search."""
    return [exact("POST", f"{PREFIX}/.search", endpoints.endpoint(handlers.search))]
