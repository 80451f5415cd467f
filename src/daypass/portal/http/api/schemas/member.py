"""The schemas of operations for all users; the descriptions become the OpenAPI document."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, ValidationError, WithJsonSchema
from starlette.responses import Response

from daypass.portal.access.duration import parse_duration
from daypass.portal.access.model import Channel, LimitSource, Purpose, State
from daypass.portal.errors import InvalidRequest, PortalError
from daypass.portal.http.api.schemas.pagination import Paged, PageQuery
from daypass.portal.http.core.endpoints import answer_json
from daypass.portal.http.core.problems import NotJson
from daypass.portal.identity.model import Role, TokenKind
from daypass.portal.inventory.model import Kind
from daypass.portal.tenants.model import Access

_SENTENCES = {
    "missing": "“{field}” is missing.",
    "extra_forbidden": "“{field}” is not a known field.",
    "string_too_short": "“{field}” is empty.",
    "string_too_long": "“{field}” is too long.",
}

Moment = Annotated[
    datetime,
    # An offset instead of Z, which `datetime.fromisoformat` of Python 3.10 cannot parse.
    PlainSerializer(lambda at: at.isoformat(timespec="seconds"), return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-24T15:00:00+00:00"]}),
]
"""A timestamp in UTC, to the second, with the offset +00:00."""


CONSOLE_LINK_LIFE = timedelta(minutes=15)
"""The time for which AWS accepts a console link; the link is a secret until then."""


class RequestBody(BaseModel):
    """A request body: unknown fields are rejected, and types are not converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


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


class ResourcesQuery(PageQuery):
    """The query parameters of the list of a tenant's resources."""

    search: Annotated[
        str,
        Field(max_length=200, description="Only resources with all these words in ARN, kind or tags."),
    ] = ""
    kind: Annotated[
        Kind | None,
        Field(description="Only resources of this kind."),
        WithJsonSchema({"type": "string", "enum": [kind.value for kind in Kind]}),
    ] = None
    cursor: Annotated[
        str | None, Field(max_length=2048, description="The `next_cursor` of the previous page.")
    ] = None
    limit: Annotated[int, Field(ge=1, le=200, description="The maximum number of results.")] = 50
    refresh: Annotated[
        bool, Field(description="Whether to read from AWS again instead of using the one-minute cache.")
    ] = False


class UserRef(BaseModel):
    """A user."""

    id: str
    username: str


class Profile(UserRef):
    """The caller."""

    role: Role


class TokenRead(BaseModel):
    """The API token of the request, without its secret value."""

    id: str
    kind: TokenKind
    name: str
    expires_at: Moment


class Me(BaseModel):
    """The caller, and the portal's AWS account and region."""

    user: Profile
    token: TokenRead
    account_id: Annotated[
        str,
        Field(description="The AWS account of sessions. Empty until the portal has reached AWS."),
    ]
    region: Annotated[str, Field(description="The AWS region of admin sessions.")]
    version: Annotated[str, Field(description="The portal's version.")]
    aws_endpoint_url: Annotated[
        str | None, Field(description="The endpoint that replaces AWS in a sandbox. Absent for AWS itself.")
    ] = None


class TenantRef(BaseModel):
    """A tenant."""

    id: str
    name: str


class RoleObstacle(BaseModel):
    """A reason why the portal cannot issue sessions of a tenant's role."""

    sentence: str
    patch: Annotated[str, Field(description="The AWS CLI command that fixes it.")]


class TenantRead(TenantRef):
    """A tenant, with the caller's access."""

    region: str
    access: Access
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
    access: Access
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


class SessionList(Paged):
    """A page of the caller's sessions, newest first."""

    sessions: list[SessionRecord]


class ResourceRead(BaseModel):
    """An AWS resource that a tenant owns."""

    arn: str
    kind: Kind
    label: Annotated[str, Field(description="The display name of the kind.")]
    name: str
    region: str
    tags: dict[str, str]
    destination: Annotated[
        str, Field(description="The `destination` for `POST /sessions` that opens it in the AWS console.")
    ]


class ResourceList(Paged):
    """A page of a tenant's resources, sorted by kind and ARN."""

    tenant: TenantRef
    resources: list[ResourceRead]
    total: Annotated[int, Field(description="The number of resources on all pages.")]
    kinds: Annotated[dict[Kind, int], Field(description="The number of resources on all pages, by kind.")]
    read_at: Annotated[
        Moment, Field(description="The time of the read from AWS. Listings are cached for one minute.")
    ]
    complete: Annotated[
        bool, Field(description="Whether all resources were read. False for a very large tenant.")
    ]


class Problem(BaseModel):
    """An error (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: Annotated[str, Field(description="The error message: what happened and what to do.")]
    code: Annotated[str, Field(description="The error code. Stable, for programs.")]
    request_id: Annotated[str, Field(description="The id of the request in the portal's log.")]


Model = TypeVar("Model", bound=BaseModel)


def read_body(model: type[Model], body: bytes) -> Model:
    """Parse the body as *model*. Raises `InvalidRequest` without any value of the body in its text."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise _refusal(error) from None  # the original error contains the body


def answer_with(
    model: BaseModel, status: HTTPStatus = HTTPStatus.OK, *, exclude_unset: bool = False
) -> Response:
    """Return *model* as JSON; *exclude_unset* omits fields that were not set, which differ from null."""
    return answer_json(model.model_dump_json(exclude_unset=exclude_unset).encode(), status)


def read_query(model: type[Model], query: object) -> Model:
    """Parse the query as *model*. Raises `InvalidRequest`."""
    try:
        return model.model_validate(query)
    except ValidationError as error:
        raise _refusal(error) from None


def _refusal(error: ValidationError) -> PortalError:
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    if first["type"] == "json_invalid":
        return NotJson("The body is not JSON.")
    if not first["loc"]:
        return InvalidRequest("The body must be a JSON object.")
    field = str(first["loc"][0])
    if field == "duration":
        parse_duration("")
    shown = "".join(char for char in field[:40] if char.isprintable())
    sentence = _SENTENCES.get(first["type"], "“{field}”: " + first["msg"] + ".")
    return InvalidRequest(sentence.format(field=shown))
