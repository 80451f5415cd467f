"""The schemas of the calls about AWS sessions."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from daypass.portal.access.model import Channel, LimitSource, Purpose, State
from daypass.portal.http.api.schema import Moment, Paged, PageQuery, RequestBody, TenantRef, UserRef
from daypass.portal.tenants.model import Access


class SessionCreate(RequestBody):
    """The request to create an AWS session. Exactly one of `tenant` and `admin` is required."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {"tenant": "dev01", "duration": "2h"},
                {"admin": True, "purpose": "console", "destination": "/s3/buckets", "reason": "ticket 4711"},
            ]
        },
    )

    tenant: Annotated[
        str | None, Field(min_length=1, max_length=255, description="The tenant, by name or id.")
    ] = None
    admin: Annotated[bool, Field(description="Whether to use the master role. For Administrators only.")] = (
        False
    )
    duration: Annotated[
        str | int | None,
        Field(
            description="The session duration: seconds, or text such as `90m`, `2h` or `1h30m`. A longer "
            "duration than allowed is reduced, and `capped_by` names the limit.",
            examples=["90m", 7200],
        ),
    ] = None
    purpose: Annotated[
        Literal["keys", "console"],
        Field(description="Whether to return access keys or a sign-in link to the AWS console."),
    ] = "keys"
    permission_set: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=64,
            description="The permission set of the session, by name. By default, the one with the highest "
            "rank that the caller has.",
            examples=["read-only"],
        ),
    ] = None
    destination: Annotated[
        str | None,
        Field(max_length=2000, description="The URL or path of the AWS console page to open."),
    ] = None
    reason: Annotated[
        str, Field(max_length=500, description="The reason for the session, for the audit log.")
    ] = ""


class SessionsQuery(PageQuery):
    """The query parameters of the list of the caller's sessions."""

    limit: Annotated[int, Field(ge=1, le=200, description="The maximum number of results.")] = 50


class Keys(BaseModel):
    """Temporary AWS credentials."""

    access_key_id: str
    secret_access_key: Annotated[str, Field(repr=False)]
    session_token: Annotated[str, Field(repr=False)]


class LimitRead(BaseModel):
    """A limit of the session duration."""

    source: LimitSource
    label: Annotated[str, Field(description="The display name of the limit.")]
    seconds: int
    decided: Annotated[bool, Field(description="Whether this limit determined the session duration.")]


class Session(BaseModel):
    """An AWS session, with the limits that determined its duration."""

    id: str
    scope: Literal["tenant", "admin"]
    tenant: TenantRef | None
    role_arn: str
    region: str
    account_id: str
    user: UserRef
    session_name: Annotated[str, Field(description="The role session name in AWS.")]
    access: Annotated[Access, Field(description="`full`, or `read-only` for every other permission set.")]
    permission_set: Annotated[str, Field(description="The name of the permission set.")]
    issued_at: Moment
    expires_at: Moment
    validity: Annotated[int, Field(description="The session duration in seconds.")]
    limits: list[LimitRead]
    capped_by: Annotated[
        LimitSource | None,
        Field(description="The limit that made the session shorter than requested or configured, or null."),
    ]
    note: Annotated[str | None, Field(description="A sentence that explains `capped_by`, or null.")]
    credentials: Annotated[
        Keys | None, Field(description="The credentials. Only with the purpose `keys`.")
    ] = None
    console_url: Annotated[
        str | None,
        Field(
            repr=False,
            description="The console sign-in link, secret until it expires. Only with the purpose `console`.",
        ),
    ] = None
    console_url_expires_at: Moment | None = None


class SessionRecord(BaseModel):
    """A session or an attempt to get one."""

    id: str
    scope: Literal["tenant", "admin"]
    tenant: Annotated[
        str | None, Field(description="The tenant's name, or the requested text if there is no such tenant.")
    ]
    role_arn: str
    state: State
    asked_at: Moment
    expires_at: Moment | None
    validity: int
    limit: LimitSource | None
    door: Channel
    purpose: Purpose
    reason: str
    address: str
    access_key_id: str | None
    permission_set: Annotated[
        str | None, Field(description="The name of the permission set; null if none was decided on.")
    ]
    session_tags: Annotated[
        dict[str, str],
        Field(description="The session tags from the claims of a workload; empty for other callers."),
    ] = {}
    workload_rule: Annotated[
        str | None,
        Field(description="The name of the rule by which a workload had its token; null for other callers."),
    ] = None
    limited_by_rule: Annotated[
        bool, Field(description="Whether the limit, then `configured`, is that of the workload rule.")
    ] = False


class SessionList(Paged):
    """A page of the caller's sessions, newest first."""

    sessions: list[SessionRecord]
