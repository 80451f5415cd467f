"""The schemas of the calls about tenants."""

from typing import Annotated

from pydantic import BaseModel, Field

from daypass.portal.http.api.schema import Paged, PageQuery, RequestBody, TenantRef, example
from daypass.portal.tenants.model import Access


class RoleObstacle(BaseModel):
    """A reason why the portal cannot issue sessions of a tenant's role."""

    sentence: str
    patch: Annotated[str, Field(description="The AWS CLI command that fixes it.")]


class TenantRead(TenantRef):
    """A tenant, with the caller's access."""

    region: str
    access: Annotated[Access, Field(description="`full`, or `read-only` for every other permission set.")]
    permission_set: Annotated[
        str, Field(description="The caller's permission set: the one with the highest rank, by name.")
    ]
    role_arn: Annotated[
        str | None, Field(description="The ARN of the tenant's IAM role. For Administrators only.")
    ] = None
    external_id: Annotated[
        str | None, Field(description="The external id of the IAM role. For Administrators only.")
    ] = None
    version: Annotated[
        str | None,
        Field(description="The version, to send as `If-Match` to update or delete. For Administrators only."),
    ] = None
    can_issue: Annotated[
        bool | None,
        Field(
            description="Whether the portal can assume the role and the role has permissions. Null if AWS "
            "could not be checked. Only in responses that create the tenant or change its role."
        ),
    ] = None
    role_obstacles: Annotated[
        list[RoleObstacle] | None,
        Field(description="The reasons why `can_issue` is false, and how to fix them."),
    ] = None


class TenantsQuery(PageQuery):
    """The query parameters of the list of tenants."""

    search: Annotated[str, Field(max_length=255, description="Part of the tenant name.")] = ""
    limit: Annotated[int, Field(ge=1, le=1000, description="The maximum number of results.")] = 1000


class TenantList(Paged):
    """A page of the tenants that the caller can use, sorted by name."""

    tenants: list[TenantRead]


class TenantCreate(RequestBody):
    """The request to create a tenant."""

    model_config = example(name="dev01", region="eu-central-1")

    name: Annotated[
        str, Field(max_length=255, description="The name: 2 to 32 lower-case letters, digits and dashes.")
    ]
    region: Annotated[
        str, Field(max_length=64, description="The AWS region in which console sessions start.")
    ]
    role_arn: Annotated[
        str | None,
        Field(
            max_length=700,
            description="The ARN of an existing IAM role. By default, the tenant gets a role of its own.",
        ),
    ] = None
    external_id: Annotated[
        str | None,
        Field(
            max_length=255,
            description="The external id that the role's trust policy requires. By default, a new one.",
        ),
    ] = None


class TenantPatch(RequestBody):
    """The properties of a tenant to update; omitted ones stay as they are. The name cannot be changed."""

    model_config = example(region="eu-west-1")

    region: Annotated[str | None, Field(max_length=64, description="The new AWS region.")] = None
    role_arn: Annotated[str | None, Field(max_length=700, description="The ARN of the new IAM role.")] = None
    external_id: Annotated[str | None, Field(max_length=255, description="The new external id.")] = None
