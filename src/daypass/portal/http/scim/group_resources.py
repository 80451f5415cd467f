"""The groups of SCIM as scim2-models has them; as slow to import as `resources`."""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field
from scim2_models import (
    ComplexAttribute,
    Context,
    Mutability,
    PatchOp,
    Reference,
    Required,
    Resource,
    ScimFilter,
    Uniqueness,
)
from scim2_models.urn import URN

from daypass.portal.groups.provisioning.model import ProvisionedGroup, WantedGroup
from daypass.portal.http.scim.documents import Document
from daypass.portal.http.scim.member_operations import member_operations
from daypass.portal.http.scim.resources import TOLERANT, User, translated


class Member(ComplexAttribute):
    """A member, of whom only the id counts: everything else is the portal's to say."""

    value: Annotated[str | None, Mutability.immutable] = None
    ref: Annotated[Reference[User] | None, Mutability.immutable] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    type: Annotated[str | None, Mutability.immutable] = Field(None, examples=["User"])


class Group(Resource[Any]):
    """The attributes of a group that the portal keeps."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:Group")

    display_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    members: list[Member] | None = None


def new_group(content: Document) -> WantedGroup:
    """Return the group of a POST or PUT; raises `ScimRefused`."""

    def parse() -> Group:
        return Group.model_validate(
            dict(content), scim_ctx=Context.RESOURCE_CREATION_REQUEST, scim_policy=TOLERANT
        )

    return _wanted(translated(parse))


def patched_group(old: ProvisionedGroup, content: Document) -> WantedGroup:
    """Return what a PATCH makes of a group; raises `ScimRefused`."""
    operations, rest = member_operations(content)
    members = old.members
    for operation in operations:
        members = operation.apply(members)

    def apply() -> Group:
        group = _group_of(replace(old, members=frozenset()))
        if rest is not None:
            patch = PatchOp[Group].model_validate(
                dict(rest), scim_ctx=Context.RESOURCE_PATCH_REQUEST, scim_policy=TOLERANT
            )
            patch.patch(group, scim_policy=TOLERANT)
        return group

    return replace(_wanted(translated(apply)), member_ids=members)


def parse_group_filter(text: str) -> Callable[[ProvisionedGroup], bool]:
    """Return the test of a filter, which never becomes SQL; raises `ScimRefused`."""

    def parse() -> ScimFilter[Group]:
        parsed: ScimFilter[Group] = ScimFilter[Group](text)
        parsed._validate_semantics()  # noqa: SLF001  what a bound SearchRequest calls
        return parsed

    found = translated(parse)

    def matches(group: ProvisionedGroup) -> bool:
        return translated(lambda: found.match(_group_of(group)))

    return matches


def _group_of(group: ProvisionedGroup) -> Group:
    content = {
        "schemas": [str(Group.__schema__)],
        "id": group.group.id,
        "displayName": group.group.name,
        "externalId": group.group.external_id,
        "members": [{"value": user_id} for user_id in sorted(group.members)],
    }
    return Group.model_validate(content, scim_policy=TOLERANT)


def _wanted(group: Group) -> WantedGroup:
    # A member without a value is refused by the service, because no user has the id "".
    ids = frozenset(member.value or "" for member in group.members or ())
    return WantedGroup(group.display_name or "", group.external_id or None, ids)
