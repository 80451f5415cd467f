"""The users of SCIM as scim2-models has them: parsing, PATCH, filters and discovery documents.

The import takes some two seconds, so the other modules of the channel import this one when a request needs
it, and a portal without provisioning never does.
"""

import json
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import ValidationError
from scim2_models import (
    Context,
    Error,
    PatchOp,
    Required,
    Resource,
    SCIMException,
    ScimFilter,
    ScimPolicy,
    Uniqueness,
)
from scim2_models.resources.user import Email as AnyEmail
from scim2_models.resources.user import Name
from scim2_models.urn import URN

from daypass.portal.errors import ScimRefused
from daypass.portal.http.scim.documents import Document
from daypass.portal.identity.provisioning.model import ProvisionedUser, WantedUser

T = TypeVar("T")

TOLERANT = ScimPolicy(
    # Providers send all that they know of a person: departments, roles, passwords. It is dropped, so no
    # attribute can give a role.
    unknown=ScimPolicy.Unknown.ignore,
    # Entra ID removes a member by a value beside the path `members`; without this the group would be emptied.
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    # Entra ID sets the address of a type that the user does not have yet.
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)


class Email(AnyEmail):
    """An e-mail address; any text, because the portal only shows it."""

    value: str | None = None


class User(Resource[Any]):
    """The attributes of a user that the portal keeps."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:User")

    user_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    name: Name | None = None
    display_name: str | None = None
    active: bool | None = None
    emails: list[Email] | None = None


_SHOWN = ("name", "displayName", "emails")


def new_user(content: Document) -> WantedUser:
    """Return the user of a POST or PUT; raises `ScimRefused`."""

    def parse() -> User:
        return User.model_validate(
            dict(content), scim_ctx=Context.RESOURCE_CREATION_REQUEST, scim_policy=TOLERANT
        )

    return _wanted(translated(parse))


def patched(old: ProvisionedUser, content: Document) -> WantedUser:
    """Return what a PATCH makes of a user; raises `ScimRefused`."""

    def apply() -> User:
        user = user_of(old)
        operations = PatchOp[User].model_validate(
            dict(content), scim_ctx=Context.RESOURCE_PATCH_REQUEST, scim_policy=TOLERANT
        )
        operations.patch(user, scim_policy=TOLERANT)
        return user

    return _wanted(translated(apply))


def parse_filter(text: str) -> Callable[[ProvisionedUser], bool]:
    """Return the test of a filter, which never becomes SQL; raises `ScimRefused`."""

    def parse() -> ScimFilter[User]:
        parsed: ScimFilter[User] = ScimFilter[User](text)
        # Otherwise a filter on an attribute that the type does not have would be an error only at the first
        # resource.
        parsed._validate_semantics()  # noqa: SLF001  what a bound SearchRequest calls
        return parsed

    found = translated(parse)

    def matches(user: ProvisionedUser) -> bool:
        return translated(lambda: found.match(user_of(user)))

    return matches


def schema_document(model: type[Resource[Any]]) -> dict[str, Any]:
    """Return the schema of a type of resources (RFC 7643, section 7)."""
    return model.to_schema().model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)


def user_of(user: ProvisionedUser) -> User:
    """Return a user as the model of SCIM."""
    content = {
        **json.loads(user.attributes),
        "schemas": [str(User.__schema__)],
        "id": user.user.id,
        "userName": user.user_name,
        "externalId": user.external_id,
        "active": user.is_active,
    }
    return User.model_validate(content, scim_policy=TOLERANT)


def _wanted(user: User) -> WantedUser:
    content = user.model_dump(scim_ctx=Context.DEFAULT)
    shown = {name: content[name] for name in _SHOWN if content.get(name)}
    return WantedUser(
        # Sorted, so that the same attributes in another order are no change.
        user.user_name or "",
        user.external_id or None,
        user.active,
        json.dumps(shown, sort_keys=True),
    )


def translated(call: Callable[[], T]) -> T:
    """Return what *call* returns, with the errors of the library as `ScimRefused`."""
    try:
        return call()
    except SCIMException as error:
        if isinstance(error.__cause__, ValidationError):
            raise _invalid_values(error.__cause__) from None
        raise ScimRefused(
            error.scim_type or "invalidValue", error.detail or "The request is invalid."
        ) from None
    except ValidationError as invalid:
        raise _invalid_values(invalid) from None


def _invalid_values(invalid: ValidationError) -> ScimRefused:
    # The library's texts repeat values of the request, so only the places are named.
    places = sorted({".".join(str(part) for part in each["loc"]) for each in invalid.errors()})
    kind = Error.from_validation_error(invalid.errors()[0]).scim_type or "invalidValue"
    shown = ", ".join(place for place in places if place)[:200]
    return ScimRefused(kind, f"The request has invalid values: {shown or 'the whole body'}.")
