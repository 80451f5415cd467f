"""What travels over our API; the descriptions become the OpenAPI document."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, ValidationError, WithJsonSchema
from starlette.responses import Response

from daypass.portal.access.duration import parse_duration
from daypass.portal.access.model import Channel, LimitSource, Purpose, State
from daypass.portal.errors import InvalidRequest, PortalError
from daypass.portal.http.core.endpoints import answer_json
from daypass.portal.http.core.problems import NotJson
from daypass.portal.identity.model import Role, TokenKind
from daypass.portal.inventory.model import Kind
from daypass.portal.tenants.model import Access

_SENTENCES = {
    "missing": "“{field}” is missing.",
    "extra_forbidden": "“{field}” is not known here.",
    "string_too_short": "“{field}” is empty.",
    "string_too_long": "“{field}” is too long.",
}

Moment = Annotated[
    datetime,
    # Python 3.10 and its kin read no Z.
    PlainSerializer(lambda at: at.isoformat(timespec="seconds"), return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-24T15:00:00+00:00"]}),
]
"""A moment in UTC, to the second, with its offset written as +00:00."""


CONSOLE_LINK_LIFE = timedelta(minutes=15)
"""How long AWS takes a console link; it is a secret until then."""


class RequestBody(BaseModel):
    """What is sent to us: nothing unknown, nothing converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


class SessionCreate(RequestBody):
    """What access is asked for: exactly one of `tenant` and `admin`."""

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
        str | None, Field(min_length=1, max_length=255, description="A tenant, by name or id.")
    ] = None
    admin: Annotated[bool, Field(description="The master role; for Administrators.")] = False
    duration: Annotated[
        str | int | None,
        Field(
            description="How long the session is to live: seconds, or as in 90m, 2h and 1h30m. What is "
            "above a limit is capped, and the answer says by which.",
            examples=["90m", 7200],
        ),
    ] = None
    purpose: Annotated[
        Literal["keys", "console"], Field(description="Keys, or a link that signs in to the AWS console.")
    ] = "keys"
    destination: Annotated[
        str | None,
        Field(max_length=2000, description="Console only: the console page to land on, by URL or path."),
    ] = None
    reason: Annotated[
        str, Field(max_length=500, description="Why, in words for the record that auditors read.")
    ] = ""


class SessionsQuery(BaseModel):
    """Which page of one's own sessions."""

    model_config = ConfigDict(extra="forbid")

    cursor: Annotated[str | None, Field(max_length=200, description="`next_cursor` of the page before.")] = (
        None
    )
    limit: Annotated[int, Field(ge=1, le=200, description="How many at most.")] = 50


class ResourcesQuery(BaseModel):
    """Which part of a tenant's resources."""

    model_config = ConfigDict(extra="forbid")

    search: Annotated[
        str, Field(max_length=200, description="Words that all occur in its ARN, its kind or its tags.")
    ] = ""
    kind: Annotated[
        Kind | None,
        Field(description="Only resources of this kind."),
        WithJsonSchema({"type": "string", "enum": [kind.value for kind in Kind]}),
    ] = None
    cursor: Annotated[str | None, Field(max_length=2048, description="`next_cursor` of the page before.")] = (
        None
    )
    limit: Annotated[int, Field(ge=1, le=200, description="How many at most.")] = 50
    refresh: Annotated[
        bool, Field(description="Have AWS asked again, rather than take what was read within a minute.")
    ] = False


class UserRef(BaseModel):
    """A user."""

    id: str
    username: str


class Profile(UserRef):
    """The caller."""

    role: Role


class TokenRead(BaseModel):
    """The API token of this call; the token itself is told nobody."""

    id: str
    kind: TokenKind
    name: str
    expires_at: Moment


class Me(BaseModel):
    """Who is calling, and where."""

    user: Profile
    token: TokenRead
    account_id: Annotated[
        str,
        Field(description="The AWS account that sessions are of; empty until the portal has reached AWS."),
    ]
    region: Annotated[str, Field(description="Where admin sessions land.")]
    version: Annotated[str, Field(description="The portal's version.")]
    aws_endpoint_url: Annotated[
        str | None, Field(description="Endpoint of a stand-in for AWS; absent where it is AWS itself.")
    ] = None


class TenantRef(BaseModel):
    """A tenant."""

    id: str
    name: str


class RoleObstacle(BaseModel):
    """Why a tenant's role does not let the portal in."""

    sentence: str
    patch: Annotated[str, Field(description="The command that repairs it, for the AWS CLI.")]


class TenantRead(TenantRef):
    """A tenant as the caller sees it."""

    region: str
    access: Access
    role_arn: Annotated[str | None, Field(description="For Administrators.")] = None
    external_id: Annotated[str | None, Field(description="For Administrators.")] = None
    version: Annotated[
        str | None, Field(description="For Administrators: send it as `If-Match` to change the tenant.")
    ] = None
    can_issue: Annotated[
        bool | None,
        Field(
            description="When a tenant was added or its role changed: whether the role lets the portal in "
            "and has rights. Null where AWS could not say."
        ),
    ] = None
    role_obstacles: Annotated[
        list[RoleObstacle] | None, Field(description="Where `can_issue` is false: why, and what repairs it.")
    ] = None


class Paged(BaseModel):
    """A page of a list."""

    next_cursor: Annotated[str | None, Field(description="Where the next page begins; null on the last one.")]


class TenantsQuery(BaseModel):
    """Which tenants."""

    model_config = ConfigDict(extra="forbid")

    search: Annotated[str, Field(max_length=255, description="A part of the name.")] = ""
    cursor: Annotated[str | None, Field(max_length=500, description="`next_cursor` of the page before.")] = (
        None
    )
    limit: Annotated[int, Field(ge=1, le=1000, description="How many at most.")] = 1000


class TenantList(Paged):
    """The tenants that the caller may use, by name."""

    tenants: list[TenantRead]


class Keys(BaseModel):
    """AWS credentials."""

    access_key_id: str
    secret_access_key: Annotated[str, Field(repr=False)]
    session_token: Annotated[str, Field(repr=False)]


class LimitRead(BaseModel):
    """One limit that was considered."""

    source: LimitSource
    label: Annotated[str, Field(description="The name that people know this limit by.")]
    seconds: int
    decided: Annotated[bool, Field(description="Whether the session lives as long as this limit says.")]


class Session(BaseModel):
    """An AWS session that was handed out, and why it lives as long as it does."""

    id: str
    scope: Literal["tenant", "admin"]
    tenant: TenantRef | None
    role_arn: str
    region: str
    account_id: str
    user: UserRef
    session_name: Annotated[str, Field(description="What AWS shows as the name of the session.")]
    access: Access
    issued_at: Moment
    expires_at: Moment
    validity: Annotated[int, Field(description="Seconds from `issued_at` that were decided on.")]
    limits: list[LimitRead]
    capped_by: Annotated[
        LimitSource | None, Field(description="The limit that made the session shorter than it would be.")
    ]
    note: Annotated[str | None, Field(description="The same as a sentence.")]
    credentials: Annotated[Keys | None, Field(description="With purpose `keys`.")] = None
    console_url: Annotated[
        str | None, Field(repr=False, description="With purpose `console`; a secret while it lasts.")
    ] = None
    console_url_expires_at: Moment | None = None


class SessionRecord(BaseModel):
    """One attempt, whatever became of it."""

    id: str
    scope: Literal["tenant", "admin"]
    tenant: Annotated[str | None, Field(description="The tenant's name, or what was typed in its place.")]
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


class SessionList(BaseModel):
    """The caller's own sessions, newest first."""

    sessions: list[SessionRecord]
    next_cursor: Annotated[str | None, Field(description="Where the next page begins; null on the last one.")]


class ResourceRead(BaseModel):
    """Something that a tenant owns in AWS."""

    arn: str
    kind: Kind
    label: Annotated[str, Field(description="The kind in words.")]
    name: str
    region: str
    tags: dict[str, str]
    destination: Annotated[
        str, Field(description="What to ask of `POST /sessions` for a console link that lands on it.")
    ]


class ResourceList(BaseModel):
    """A tenant's resources, by kind and then by ARN."""

    tenant: TenantRef
    resources: list[ResourceRead]
    total: Annotated[int, Field(description="How many there are on all pages.")]
    kinds: Annotated[dict[Kind, int], Field(description="How many of each kind there are on all pages.")]
    read_at: Annotated[Moment, Field(description="When AWS was asked; a listing is kept for a minute.")]
    complete: Annotated[bool, Field(description="Whether AWS gave everything; a very large tenant is cut.")]
    next_cursor: Annotated[str | None, Field(description="Where the next page begins; null on the last one.")]


class Problem(BaseModel):
    """A refusal (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: Annotated[str, Field(description="A sentence that a person can act on.")]
    code: Annotated[str, Field(description="The same for programs.")]
    request_id: Annotated[str, Field(description="Finds this request in the portal's log.")]


Model = TypeVar("Model", bound=BaseModel)


def read_body(model: type[Model], body: bytes) -> Model:
    """The body as *model*; raises `InvalidRequest` with a sentence that repeats no value."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise _refusal(error) from None  # the error itself holds what was sent


def answer_with(
    model: BaseModel, status: HTTPStatus = HTTPStatus.OK, *, exclude_unset: bool = False
) -> Response:
    """An answer that says what *model* does; without what nobody set, where that means something else."""
    return answer_json(model.model_dump_json(exclude_unset=exclude_unset).encode(), status)


def read_query(model: type[Model], query: object) -> Model:
    """The query as *model*; raises `InvalidRequest`."""
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
    shown = "".join(sign for sign in field[:40] if sign.isprintable())
    sentence = _SENTENCES.get(first["type"], "“{field}”: " + first["msg"] + ".")
    return InvalidRequest(sentence.format(field=shown))
