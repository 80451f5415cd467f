"""The schemas of operations for Administrators."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, SecretStr

from daypass.portal.admin.model import UserSort
from daypass.portal.http.api.schemas.member import Moment, RequestBody, UserRef
from daypass.portal.http.api.schemas.pagination import Paged, PageQuery
from daypass.portal.identity.model import Role, TokenKind
from daypass.portal.settings.registry import Kind
from daypass.portal.tenants.model import Access

Version = Annotated[
    str, Field(description="The version, also sent as `ETag`. Send it as `If-Match` to update or delete.")
]
Typed = Annotated[str, Field(min_length=1, max_length=255)]


def example(**values: JsonValue) -> ConfigDict:
    """Return the configuration of a request body, with an example for the reference."""
    return ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [values]})


class PeopleQuery(PageQuery):
    """The query parameters of a list of users or members."""

    search: Annotated[str, Field(max_length=255, description="Part of the username.")] = ""


class UsersQuery(PeopleQuery):
    """The query parameters of the list of users."""

    role: Annotated[Role | None, Field(description="Only users with this role.")] = None
    disabled: Annotated[bool | None, Field(description="Only disabled users, or only enabled users.")] = None
    sort: Annotated[UserSort, Field(description="The property to sort by.")] = UserSort.USERNAME
    descending: Annotated[bool, Field(description="Whether to sort in descending order.")] = False


class UserRead(UserRef):
    """A user, with the properties that Administrators can read."""

    role: Role
    disabled: bool
    has_password: Annotated[
        bool, Field(description="Whether the user has a password. Service accounts have tokens only.")
    ]
    created_at: Moment
    last_sign_in_at: Moment | None
    version: Version


class UserPage(Paged):
    """A page of users."""

    users: list[UserRead]


class UserCreate(RequestBody):
    """The request to create a user."""

    model_config = example(username="dana@example.com", role="User")

    username: Annotated[
        str, Field(max_length=255, description="The username: for people, their email address.")
    ]
    role: Annotated[Literal["User", "Administrator"], Field(description="The role of the user.")] = "User"
    password: Annotated[
        SecretStr | None,
        Field(description="The password, of 12 to 256 characters. Omit it for a service account."),
    ] = None


class UserPatch(RequestBody):
    """The properties of a user to update; omitted ones stay as they are."""

    model_config = example(role="Administrator")

    role: Annotated[Literal["User", "Administrator"] | None, Field(description="The new role.")] = None
    disabled: Annotated[
        bool | None,
        Field(description="Whether the user is disabled. True revokes all sessions, tokens and consents."),
    ] = None


class PasswordWrite(RequestBody):
    """The request to set a user's password."""

    model_config = example(password="correct horse battery staple")  # noqa: S106  an example

    password: Annotated[SecretStr, Field(description="The new password, of 12 to 256 characters.")]


class ImportCreate(RequestBody):
    """The request to import users."""

    model_config = example(
        csv="username,role,tenants,read_only_tenants\ndana@example.com,User,dev01,prod01\n", dry_run=True
    )

    csv: Annotated[
        str,
        Field(
            description="The users as CSV, separated by commas, semicolons or tabs, with a header line: "
            "username, role, tenants, read_only_tenants. Tenants are separated by spaces."
        ),
    ]
    dry_run: Annotated[bool, Field(description="Whether to only report what the import would change.")] = True


class ImportedLine(BaseModel):
    """The result of one CSV line."""

    line: int
    username: str
    role: Role
    new: Annotated[bool, Field(description="Whether the line creates the user.")]
    old_role: Annotated[
        Role | None, Field(description="The previous role, or null if the line does not change it.")
    ]
    memberships: Annotated[
        dict[str, Access], Field(description="The new and changed memberships, by tenant.")
    ]
    problem: Annotated[str | None, Field(description="The reason why the line cannot be imported, or null.")]


class ImportResult(BaseModel):
    """The result of an import."""

    done: Annotated[bool, Field(description="Whether the import was made. False for a dry run.")]
    lines: list[ImportedLine]


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


class MemberRead(BaseModel):
    """A user's membership in a tenant."""

    tenant: str
    tenant_id: str
    username: str
    user_id: str
    access: Access
    since: Moment
    version: Version


class MemberPage(Paged):
    """A page of memberships."""

    memberships: list[MemberRead]


class MembershipWrite(RequestBody):
    """The request to add or update a membership."""

    model_config = example(access="read-only")

    access: Literal["full", "read-only"] = "full"


class SettingRead(BaseModel):
    """A setting that has a value."""

    type: Annotated[str, Field(description="The type of the setting. Empty for a tenant's setting.")]
    key: str
    value: str
    tenant: Annotated[str | None, Field(description="The tenant's name, or null for a system setting.")]
    label: Annotated[str | None, Field(description="The display name, or null if the key is unknown.")]
    in_force: Annotated[bool, Field(description="Whether the value is in effect.")]
    changed_at: Moment
    changed_by: str
    version: Version


class KnownSetting(BaseModel):
    """The definition of a setting that the portal supports."""

    type: str
    key: str
    label: str
    help: Annotated[str, Field(description="The effect of the setting.")]
    kind: Kind
    per_tenant: bool
    default: Annotated[str | None, Field(description="The default value, or null for the default of AWS.")]
    takes: Annotated[str, Field(description="The allowed values, as text.")]


class SettingList(BaseModel):
    """The settings that have a value, and the definitions of all settings."""

    settings: list[SettingRead]
    known: list[KnownSetting]


class SettingPage(Paged):
    """A page of the settings of all tenants."""

    settings: list[SettingRead]


class SettingWrite(RequestBody):
    """The request to create or update a setting."""

    model_config = example(value="7200")

    value: Annotated[str, Field(max_length=4000)]


class TokensQuery(PageQuery):
    """The query parameters of the list of API tokens."""

    user: Annotated[
        str | None, Field(max_length=255, description="Only tokens of this user, by username or id.")
    ] = None
    kind: Annotated[TokenKind | None, Field(description="Only tokens of this kind.")] = None


class TokenRecord(BaseModel):
    """An API token, without its secret value."""

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
        bool, Field(description="Whether the token can make changes that require reauthentication.")
    ]


class TokenPage(Paged):
    """A page of valid API tokens, sorted by expiry."""

    tokens: list[TokenRecord]


class TokenCreate(RequestBody):
    """The request to create a permanent API token."""

    model_config = example(user="ci-bot", name="nightly build", days=90)

    user: Annotated[Typed, Field(description="The owner of the token, by username or id.")]
    name: Annotated[str, Field(max_length=255, description="The name of the token, such as its purpose.")]
    days: Annotated[int, Field(ge=1, le=365, description="The number of days until the token expires.")] = 365


class NewToken(BaseModel):
    """A new permanent API token, with its secret value."""

    id: str
    user: UserRef
    name: str
    expires_at: Moment
    token: Annotated[str, Field(repr=False, description="The secret value. It cannot be read again.")]
