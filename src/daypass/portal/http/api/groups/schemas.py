"""The schemas of the calls about groups."""

from typing import Annotated

from pydantic import BaseModel, Field

from daypass.portal.groups.model import MemberSource
from daypass.portal.http.api.schema import (
    AskedMoment,
    Moment,
    Paged,
    PageQuery,
    RequestBody,
    UserRef,
    Version,
    example,
)
from daypass.portal.tenants.model import Access

_MAKES_ADMINISTRATORS = "Whether every member is an Administrator; never true for a local group."


class GroupsQuery(PageQuery):
    """The query parameters of the list of groups."""

    search: Annotated[str, Field(max_length=255, description="Part of the name.")] = ""
    source: Annotated[MemberSource | None, Field(description="Only groups with this source.")] = None
    provider: Annotated[
        str | None, Field(max_length=64, description="Only groups of this identity provider.")
    ] = None


class GroupRead(BaseModel):
    """A group."""

    id: str
    name: str
    source: Annotated[
        MemberSource,
        Field(description="The source of its members: `local`, a `claim` of a provider, or `scim`."),
    ]
    provider: Annotated[str, Field(description="The identity provider; empty for a local group.")]
    value: Annotated[
        str | None, Field(description="The value of the claim, or the `externalId` of SCIM, if there is one.")
    ]
    description: str
    makes_administrators: Annotated[bool, Field(description=_MAKES_ADMINISTRATORS)]
    members: Annotated[int, Field(description="The number of members.")]
    memberships: Annotated[int, Field(description="The number of tenants that it gives access to.")]
    last_matched_at: Annotated[
        Moment | None, Field(description="When a sign-in last had the value of the claim, to the hour.")
    ]
    created_at: Moment
    updated_at: Moment
    version: Version


class GroupPage(Paged):
    """A page of groups."""

    groups: list[GroupRead]


class GroupList(BaseModel):
    """The groups of a user."""

    groups: list[GroupRead]


class GroupCreate(RequestBody):
    """The request to create a group."""

    model_config = example(name="developers", description="The developers of the web shop.")

    name: Annotated[str, Field(max_length=255, description="The name, of 1 to 100 characters without `/`.")]
    description: Annotated[str, Field(max_length=500)] = ""
    provider: Annotated[
        str,
        Field(max_length=64, description="For a group of a claim: the provider. Omit it for a local group."),
    ] = ""
    value: Annotated[
        str, Field(max_length=255, description="For a group of a claim: the exact value that a member has.")
    ] = ""
    makes_administrators: Annotated[bool, Field(description=_MAKES_ADMINISTRATORS)] = False


class GroupPatch(RequestBody):
    """The properties of a group to update; omitted ones stay as they are."""

    model_config = example(description="The developers of the web shop.")

    name: Annotated[str | None, Field(max_length=255)] = None
    description: Annotated[str | None, Field(max_length=500)] = None
    makes_administrators: Annotated[bool | None, Field(description=_MAKES_ADMINISTRATORS)] = None


class GroupMemberRead(UserRef):
    """A member of a group."""

    added_at: Moment


class GroupMemberPage(Paged):
    """A page of the members of a group."""

    members: list[GroupMemberRead]


class GroupMembershipRead(BaseModel):
    """The membership of a tenant that a group gives to each of its members."""

    group: Annotated[str, Field(description="The name of the group.")]
    group_id: str
    tenant: str
    tenant_id: str
    access: Annotated[Access, Field(description="`full`, or `read-only` for every other permission set.")]
    permission_set: Annotated[str, Field(description="The name of the permission set.")]
    ends_at: Annotated[
        Moment | None, Field(description="When it ends, and every session with it; null for no end.")
    ]
    created_at: Moment
    version: Version


class GroupMembershipPage(Paged):
    """A page of the memberships that a group gives."""

    memberships: list[GroupMembershipRead]


class GroupMembershipList(BaseModel):
    """The memberships of all groups in a tenant."""

    memberships: list[GroupMembershipRead]


class GroupMembershipWrite(RequestBody):
    """The request to add or update a membership that a group gives."""

    model_config = example(permission_set="read-only", ends_at="2027-06-30T18:00:00Z")

    permission_set: Annotated[
        str, Field(min_length=1, max_length=64, description="The permission set, by name.")
    ] = "full"
    ends_at: Annotated[AskedMoment | None, Field(description="When it ends; omit it for no end.")] = None
