"""What Administrators send and get over our API."""

from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, SecretStr

from daypass.portal.access.model import Channel, State
from daypass.portal.admin.model import UserSort
from daypass.portal.http.api.schemas.member import Moment, Paged, RequestBody, SessionRecord, UserRef
from daypass.portal.identity.model import Role, TokenKind
from daypass.portal.settings.registry import Kind
from daypass.portal.tenants.model import Access

Version = Annotated[
    str, Field(description="The same as the answer's `ETag`; send it as `If-Match` to change it.")
]
Typed = Annotated[str, Field(min_length=1, max_length=255)]


def _in_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("no such moment") from error


AskedMoment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A moment that is asked for; it has a zone."""


def example(**values: JsonValue) -> ConfigDict:
    """The configuration of what is sent, with an example of it."""
    return ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [values]})


class PageQuery(BaseModel):
    """Which page of a list."""

    model_config = ConfigDict(extra="forbid")

    cursor: Annotated[str | None, Field(max_length=500, description="`next_cursor` of the page before.")] = (
        None
    )
    limit: Annotated[int, Field(ge=1, le=500, description="How many at most.")] = 100


class PeopleQuery(PageQuery):
    """Which people."""

    search: Annotated[str, Field(max_length=255, description="A part of the username.")] = ""


class UsersQuery(PeopleQuery):
    """Which users."""

    role: Annotated[Role | None, Field(description="Only these.")] = None
    disabled: Annotated[bool | None, Field(description="Only those who are, or are not.")] = None
    sort: Annotated[UserSort, Field(description="What the list is sorted by.")] = UserSort.USERNAME
    descending: Annotated[bool, Field(description="The other way round.")] = False


class UserRead(UserRef):
    """A user as Administrators see them."""

    role: Role
    disabled: bool
    has_password: Annotated[bool, Field(description="False for a service account, which has tokens alone.")]
    created_at: Moment
    last_sign_in_at: Moment | None
    version: Version


class UserPage(Paged):
    """Users, a page of them."""

    users: list[UserRead]


class UserCreate(RequestBody):
    """A user to be."""

    model_config = example(username="dana@example.com", role="User")

    username: Annotated[str, Field(max_length=255, description="For people, their e-mail address.")]
    role: Annotated[Literal["User", "Administrator"], Field(description="What they may do here.")] = "User"
    password: Annotated[
        SecretStr | None, Field(description="12 to 256 characters; without one, a service account.")
    ] = None


class UserPatch(RequestBody):
    """What changes of a user; what is not named stays."""

    model_config = example(role="Administrator")

    role: Annotated[Literal["User", "Administrator"] | None, Field(description="Another role.")] = None
    disabled: Annotated[
        bool | None, Field(description="True ends every session, token and approval at once.")
    ] = None


class PasswordWrite(RequestBody):
    """Another password."""

    model_config = example(password="correct horse battery staple")  # noqa: S106  an example

    password: Annotated[SecretStr, Field(description="12 to 256 characters.")]


class ImportCreate(RequestBody):
    """A table of users."""

    model_config = example(
        csv="username,role,tenants,read_only_tenants\ndana@example.com,User,dev01,prod01\n", dry_run=True
    )

    csv: Annotated[
        str,
        Field(
            description="Separated by commas, semicolons or tabs, with a line of column names: username, "
            "role, tenants, read_only_tenants. Tenants are separated by spaces."
        ),
    ]
    dry_run: Annotated[bool, Field(description="Say what would become of each line, and change nothing.")] = (
        True
    )


class ImportedLine(BaseModel):
    """What becomes of one line."""

    line: int
    username: str
    role: Role
    new: Annotated[bool, Field(description="Whether the user is not there yet.")]
    old_role: Annotated[Role | None, Field(description="The role that changes.")]
    memberships: Annotated[dict[str, Access], Field(description="Those that are new or change, by tenant.")]
    problem: Annotated[str | None, Field(description="Why this line cannot be taken.")]


class ImportResult(BaseModel):
    """What becomes of each line."""

    done: Annotated[bool, Field(description="False for a dry run.")]
    lines: list[ImportedLine]


class TenantCreate(RequestBody):
    """A tenant to be."""

    model_config = example(name="dev01", region="eu-central-1")

    name: Annotated[str, Field(max_length=255, description="2 to 32 lower-case letters, digits and dashes.")]
    region: Annotated[str, Field(max_length=64, description="Where its console sessions land.")]
    role_arn: Annotated[
        str | None,
        Field(max_length=700, description="An IAM role that there is; without one, the tenant's own."),
    ] = None
    external_id: Annotated[
        str | None,
        Field(max_length=255, description="What the role's trust policy asks for; else a new one."),
    ] = None


class TenantPatch(RequestBody):
    """What changes of a tenant; what is not named stays. A tenant's name never changes."""

    model_config = example(region="eu-west-1")

    region: Annotated[str | None, Field(max_length=64, description="Another region.")] = None
    role_arn: Annotated[str | None, Field(max_length=700, description="Another IAM role.")] = None
    external_id: Annotated[str | None, Field(max_length=255, description="Another ExternalId.")] = None


class MemberRead(BaseModel):
    """A user's access to one tenant."""

    tenant: str
    tenant_id: str
    username: str
    user_id: str
    access: Access
    since: Moment
    version: Version


class MemberPage(Paged):
    """Memberships, a page of them."""

    memberships: list[MemberRead]


class MembershipWrite(RequestBody):
    """How much of the tenant."""

    model_config = example(access="read-only")

    access: Literal["full", "read-only"] = "full"


class SettingRead(BaseModel):
    """A setting that was made."""

    type: Annotated[str, Field(description="Empty for a tenant's setting.")]
    key: str
    value: str
    tenant: Annotated[str | None, Field(description="The tenant's name; null for the system.")]
    label: Annotated[str | None, Field(description="Its name for people; null for a key that does nothing.")]
    in_force: Annotated[bool, Field(description="Whether the portal goes by it.")]
    changed_at: Moment
    changed_by: str
    version: Version


class KnownSetting(BaseModel):
    """A setting that the portal knows, made or not."""

    type: str
    key: str
    label: str
    help: Annotated[str, Field(description="Its effect.")]
    kind: Kind
    per_tenant: bool
    default: Annotated[str | None, Field(description="As it would be written; null for AWS's own.")]
    takes: Annotated[str, Field(description="What may be written.")]


class SettingList(BaseModel):
    """What was set, and what can be."""

    settings: list[SettingRead]
    known: list[KnownSetting]


class SettingPage(Paged):
    """Settings of all tenants, a page of them."""

    settings: list[SettingRead]


class SettingWrite(RequestBody):
    """What a setting is to be."""

    model_config = example(value="7200")

    value: Annotated[str, Field(max_length=4000)]


class TokensQuery(PageQuery):
    """Which API tokens."""

    user: Annotated[str | None, Field(max_length=255, description="Of this user only, by name or id.")] = None
    kind: Annotated[TokenKind | None, Field(description="Only these.")] = None


class TokenRecord(BaseModel):
    """What is known of an API token; the token itself is told nobody twice."""

    id: str
    kind: TokenKind
    name: str
    user: UserRef
    created_at: Moment
    expires_at: Moment
    last_used_at: Moment | None
    application: str
    allows_admin: bool
    reauthentication_exempt: Annotated[
        bool, Field(description="Whether it makes changes that otherwise need a recent sign-in.")
    ]


class TokenPage(Paged):
    """API tokens that count, the first one to end first."""

    tokens: list[TokenRecord]


class TokenCreate(RequestBody):
    """A permanent API token to be."""

    model_config = example(user="ci-bot", name="nightly build", days=90)

    user: Annotated[Typed, Field(description="Whose it is to be, by name or id.")]
    name: Annotated[str, Field(max_length=255, description="What it is for.")]
    days: Annotated[int, Field(ge=1, le=365, description="How long it lives.")] = 365


class NewToken(BaseModel):
    """A permanent API token, this once."""

    id: str
    user: UserRef
    name: str
    expires_at: Moment
    token: Annotated[str, Field(repr=False, description="The token itself; it is shown nowhere else, ever.")]


class WhenQuery(PageQuery):
    """Of whom, where and when."""

    user: Annotated[str | None, Field(max_length=255, description="A user, by name or id.")] = None
    tenant: Annotated[str | None, Field(max_length=255, description="A tenant, by name or id.")] = None
    since: Annotated[AskedMoment | None, Field(description="Not before then.")] = None
    until: Annotated[AskedMoment | None, Field(description="Before then.")] = None


class EverySessionsQuery(WhenQuery):
    """Which sessions of all users."""

    state: Annotated[State | None, Field(description="What became of them.")] = None
    door: Annotated[Channel | None, Field(description="Through which door.")] = None
    live: Annotated[bool, Field(description="Only those that have not ended.")] = False


class EverySessionRecord(SessionRecord):
    """One attempt, and whose it was."""

    username: str
    failure: Annotated[str | None, Field(description="Why it came to nothing.")]


class EverySessionPage(Paged):
    """Sessions of all users, newest first."""

    sessions: list[EverySessionRecord]


class AuditQuery(WhenQuery):
    """Which events."""

    action: Annotated[
        str | None, Field(max_length=64, description="What was done.", examples=["user.update"])
    ] = None
    outcome: Annotated[str | None, Field(max_length=16, description="How it came out.")] = None
    subject: Annotated[str | None, Field(max_length=1000, description="To what, exactly.")] = None
    request_id: Annotated[str | None, Field(max_length=32, description="By which request.")] = None


class AuditEvent(BaseModel):
    """One event on record."""

    id: str
    at: Moment
    action: str
    actor: str
    actor_id: str | None
    tenant_id: str | None
    subject: str
    outcome: str
    detail: dict[str, Any]
    request_id: str
    hash: Annotated[str, Field(description="Over this event and the one before it, in hexadecimal.")]


class AuditPage(Paged):
    """What is on record, newest first."""

    events: list[AuditEvent]


class DayRead(BaseModel):
    """One day, in UTC."""

    date: date
    issued: int
    refused: int
    failed: int


class CappedTenantRead(BaseModel):
    """A tenant whose validity its role cuts short."""

    tenant: str
    validity: int
    maximum: int


class OverviewRead(BaseModel):
    """How things stand."""

    live: Annotated[int, Field(description="Sessions that have not ended.")]
    live_by_tenant: Annotated[dict[str, int], Field(description="`admin` is the master role.")]
    live_by_user: dict[str, int]
    days: Annotated[list[DayRead], Field(description="The last thirty, oldest first.")]
    refusals: Annotated[dict[str, int], Field(description="How often for which reason in that time.")]
    ending_tokens: Annotated[
        list[TokenRecord], Field(description="Permanent tokens that end within thirty days.")
    ]
    capped: list[CappedTenantRead]
