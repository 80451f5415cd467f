"""The schemas of the calls about users."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, SecretStr

from daypass.portal.admin.model import UserSort
from daypass.portal.http.api.schema import Moment, Paged, PeopleQuery, RequestBody, UserRef, Version, example
from daypass.portal.identity.model import Role, UserKind

_OWNER = "For a service account: the username or id of the person responsible; empty for none."
_DESCRIPTION = "For a service account: its purpose."


class UsersQuery(PeopleQuery):
    """The query parameters of the list of users."""

    role: Annotated[Role | None, Field(description="Only users with this role.")] = None
    kind: Annotated[UserKind | None, Field(description="Only people, or only service accounts.")] = None
    disabled: Annotated[bool | None, Field(description="Only disabled users, or only enabled users.")] = None
    sort: Annotated[UserSort, Field(description="The property to sort by.")] = UserSort.USERNAME
    descending: Annotated[bool, Field(description="Whether to sort in descending order.")] = False


class UserRead(UserRef):
    """A user, with the properties that Administrators can read."""

    role: Annotated[Role, Field(description="The role that applies, assigned or by a group.")]
    assigned_role: Annotated[Role, Field(description="The role without groups, which a change sets.")]
    administrator_group: Annotated[
        str | None, Field(description="The first group, by name, that makes the user an Administrator.")
    ]
    disabled: bool
    has_password: Annotated[
        bool, Field(description="Whether the user has a password. Service accounts have tokens only.")
    ]
    created_at: Moment
    last_sign_in_at: Moment | None
    kind: Annotated[
        UserKind, Field(description="`person`, or `service` for a service account, which never signs in.")
    ]
    owner: Annotated[
        str | None, Field(description="The username of the person responsible for a service account.")
    ]
    description: Annotated[str, Field(description="The purpose of a service account.")]
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
    kind: Annotated[
        Literal["person", "service"] | None,
        Field(description="By default a person with a password, else a service account."),
    ] = None
    owner: Annotated[str | None, Field(max_length=255, description=_OWNER)] = None
    description: Annotated[str | None, Field(max_length=500, description=_DESCRIPTION)] = None


class UserPatch(RequestBody):
    """The properties of a user to update; omitted ones stay as they are."""

    model_config = example(role="Administrator")

    role: Annotated[Literal["User", "Administrator"] | None, Field(description="The role to assign.")] = None
    disabled: Annotated[
        bool | None,
        Field(description="Whether the user is disabled. True revokes all sessions, tokens and consents."),
    ] = None
    owner: Annotated[str | None, Field(max_length=255, description=_OWNER)] = None
    description: Annotated[str | None, Field(max_length=500, description=_DESCRIPTION)] = None


class PasswordWrite(RequestBody):
    """The request to set a user's password."""

    model_config = example(password="correct horse battery staple")  # noqa: S106  an example

    password: Annotated[SecretStr, Field(description="The new password, of 12 to 256 characters.")]


class RecoveryLinkRead(BaseModel):
    """A recovery link, which is shown once."""

    model_config = example(
        url="https://portal.example.com/sign-in/recovery#daypass_rec_…",
        expires_at="2026-11-25T10:00:00Z",
    )

    url: Annotated[str, Field(description="The link. It works once, and only after the user's password.")]
    expires_at: Annotated[Moment, Field(description="The end of its validity, 30 minutes from now.")]
