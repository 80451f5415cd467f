"""The endpoint /Groups (RFC 7644, section 3)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus

from starlette.responses import Response
from starlette.routing import BaseRoute

from daypass.portal.groups.provisioning.model import ProvisionedGroup, WantedGroup
from daypass.portal.groups.provisioning.service import ProvisionedGroups
from daypass.portal.http.core.endpoints import answer_nothing
from daypass.portal.http.core.routing import exact
from daypass.portal.http.scim.discovery import GROUP, PREFIX
from daypass.portal.http.scim.documents import Document, check_own_id, document, parsed
from daypass.portal.http.scim.endpoints import ScimEndpoints, ScimRequest
from daypass.portal.http.scim.queries import (
    PageParameters,
    check_length,
    leaves_out,
    query_of,
    selected,
)

PATH = f"{PREFIX}/Groups"
_MEMBERS = "members"


@dataclass(frozen=True, slots=True)
class GroupHandlers:
    """The handlers of requests for groups."""

    groups: ProvisionedGroups
    base: str
    """The address of the channel."""

    def page(self, request: ScimRequest) -> Response:
        """Return a page of the provider's groups, or of those that a filter finds."""
        page = PageParameters.of(request.query)
        text, with_members = request.query.get("filter", ""), not leaves_out(_MEMBERS, request.query)
        if text:
            found = self.filtered(request.by.provider, text)
            shown, total = found[page.start - 1 : page.start - 1 + page.count], len(found)
            if with_members:
                shown = self.groups.with_members(request.by.provider, shown)
        else:
            part = self.groups.page(
                request.by.provider, page.start - 1, page.count, with_members=with_members
            )
            shown, total = part.groups, part.total
        resources = [selected(self.represented(group), request.query) for group in shown]
        return document(page.answer(resources, total))

    def search(self, request: ScimRequest) -> Response:
        """Return the page that a body asks for (RFC 7644, section 3.4.3), instead of a query string."""
        return self.page(replace(request, query=query_of(parsed(request.body))))

    def show(self, request: ScimRequest) -> Response:
        """Return one group."""
        with_members = not leaves_out(_MEMBERS, request.query)
        group = self.groups.find(request.by.provider, request.path["group"], with_members=with_members)
        return self._answer(request, group)

    def create(self, request: ScimRequest) -> Response:
        """Create a group."""
        made = self.groups.create(_new_group(parsed(request.body)), request.by)
        response = self._answer(request, made, HTTPStatus.CREATED)
        response.headers["Location"] = self._location(made)
        return response

    def replace(self, request: ScimRequest) -> Response:
        """Replace the attributes and the members of a group."""
        content, group_id = parsed(request.body), request.path["group"]
        check_own_id(content, group_id)
        wanted = _new_group(content)
        self.groups.update(group_id, lambda _old: wanted, request.by, request.expected_tag)
        return self.show(request)

    def patch(self, request: ScimRequest) -> Response:
        """Apply the operations of a PATCH, all or none."""
        from daypass.portal.http.scim.group_resources import patched_group

        content = parsed(request.body)

        def edit(old: ProvisionedGroup) -> WantedGroup:
            return patched_group(old, content)

        tag = self.groups.update(request.path["group"], edit, request.by, request.expected_tag)
        if "attributes" in request.query or "excludedAttributes" in request.query:
            return self.show(request)
        # Without the group, whose members can be thousands where one was added.
        response = answer_nothing()
        response.headers["ETag"] = _etag(tag)
        return response

    def delete(self, request: ScimRequest) -> Response:
        """Delete a group."""
        self.groups.delete(request.path["group"], request.by, request.expected_tag)
        return answer_nothing()

    def filtered(self, provider: str, text: str) -> Sequence[ProvisionedGroup]:
        """Return the provider's groups that a filter finds, perhaps without their members.

        Raises `ScimRefused`.
        """
        check_length(text)
        from daypass.portal.http.scim.group_resources import parse_group_filter

        matches = parse_group_filter(text)
        # Providers look for a name before each change, which must not read the members of all groups.
        needs_members = _MEMBERS in text.lower()
        return [group for group in self.groups.all(provider, with_members=needs_members) if matches(group)]

    def represented(self, group: ProvisionedGroup) -> Document:
        """Return the resource of a group."""
        external_id = {} if group.group.external_id is None else {"externalId": group.group.external_id}
        members = [
            {"value": user_id, "$ref": f"{self.base}/Users/{user_id}", "type": "User"}
            for user_id in sorted(group.members)
        ]
        return {
            "schemas": [GROUP],
            "id": group.group.id,
            **external_id,
            "displayName": group.group.name,
            _MEMBERS: members,
            "meta": {
                "resourceType": "Group",
                "created": group.created_at.isoformat(),
                "lastModified": group.updated_at.isoformat(),
                "location": self._location(group),
                "version": _etag(group.tag),
            },
        }

    def _answer(
        self, request: ScimRequest, group: ProvisionedGroup, status: HTTPStatus = HTTPStatus.OK
    ) -> Response:
        return document(selected(self.represented(group), request.query), status, _etag(group.tag))

    def _location(self, group: ProvisionedGroup) -> str:
        return f"{self.base}/Groups/{group.group.id}"


def _new_group(content: Document) -> WantedGroup:
    from daypass.portal.http.scim.group_resources import new_group

    return new_group(content)


def _etag(tag: str) -> str:
    return f'W/"{tag}"'


def routes(handlers: GroupHandlers, endpoints: ScimEndpoints) -> Sequence[BaseRoute]:
    """Return the routes of groups."""
    one = PATH + "/{group}"
    return [
        exact("GET", PATH, endpoints.endpoint(handlers.page)),
        exact("POST", PATH, endpoints.endpoint(handlers.create)),
        exact("POST", f"{PATH}/.search", endpoints.endpoint(handlers.search)),
        exact("GET", one, endpoints.endpoint(handlers.show)),
        exact("PUT", one, endpoints.endpoint(handlers.replace)),
        exact("PATCH", one, endpoints.endpoint(handlers.patch)),
        exact("DELETE", one, endpoints.endpoint(handlers.delete)),
    ]
