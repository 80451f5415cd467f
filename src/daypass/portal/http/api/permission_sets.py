"""The API calls about permission sets."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

from pydantic import BaseModel, Field
from starlette.responses import Response

from daypass.portal.access.policy import tenant_not_found
from daypass.portal.access.tenants import VisibleTenants
from daypass.portal.admin.administration import Administration
from daypass.portal.admin.model import PermissionSetRecord, permission_set_version
from daypass.portal.admin.permission_sets.service import Definition
from daypass.portal.errors import InvalidRequest, PermissionSetInUse, PermissionSetNotFound, TenantNotFound
from daypass.portal.http.api.codec import answer_with, read_body
from daypass.portal.http.api.etags import expected, expected_or_none, tagged
from daypass.portal.http.api.operation import Condition, Operation
from daypass.portal.http.api.schema import RequestBody, Version, example
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.endpoints import ApiRequest, answer_nothing
from daypass.portal.http.services import Services
from daypass.portal.permission_sets.model import PermissionSet, PermissionSetKind

_POLICIES = (
    "The managed policies that allow: `NAME` for one of the role's account, `aws:NAME` for one of AWS, each "
    "with its path. Without any, everything is allowed that `denies` does not deny."
)
_DENIES = "Statements of an IAM policy whose `Effect` is `Deny`."
_OWN_ROLE = (
    "Whether sessions are of a role made for the set in each tenant, `daypass-set-TENANT.SET`, whose "
    "policies decide. Such a set has no `policies` and no `denies`."
)


class PermissionSetRef(BaseModel):
    """A permission set, as every user sees it."""

    name: str
    description: str
    rank: Annotated[int, Field(description="`read-only` has 0, the lowest, and `full` 1000, the highest.")]


class PermissionSetRead(PermissionSetRef):
    """A permission set."""

    kind: PermissionSetKind
    policies: Annotated[list[str], Field(description=_POLICIES)]
    denies: Annotated[list[dict[str, Any]], Field(description=_DENIES)]
    own_role: Annotated[bool, Field(description=_OWN_ROLE)]
    version: Version


class PermissionSetShow(PermissionSetRead):
    """A permission set, with the number of its memberships."""

    members: Annotated[
        int | None,
        Field(description="The number of memberships with this set; null for a built-in set."),
    ]


class PermissionSetList(BaseModel):
    """All permission sets, the highest rank first."""

    permission_sets: list[PermissionSetRead]


class PermissionSetRefs(BaseModel):
    """The permission sets that the caller may request for a tenant, the highest rank first."""

    permission_sets: list[PermissionSetRef]


class PermissionSetWrite(RequestBody):
    """The request to create or replace a permission set."""

    model_config = example(
        description="Operates what exists, and runs no code.",
        rank=500,
        denies=[{"Effect": "Deny", "Action": ["lambda:UpdateFunctionCode", "iam:*"], "Resource": "*"}],
    )

    description: Annotated[str, Field(max_length=500)] = ""
    rank: Annotated[
        int,
        Field(
            ge=1,
            le=999,
            description="Of several sets that a user has, the one with the highest rank applies unless a "
            "request names another.",
        ),
    ]
    policies: Annotated[list[str], Field(max_length=10, description=_POLICIES)] = Field(default_factory=list)
    denies: Annotated[list[dict[str, Any]], Field(max_length=20, description=_DENIES)] = Field(
        default_factory=list
    )
    own_role: Annotated[bool, Field(description=_OWN_ROLE)] = False


class TemplateRead(PermissionSetRef):
    """A suggestion for a permission set."""

    policies: list[str]
    denies: list[dict[str, Any]]


class TemplateList(BaseModel):
    """The suggestions for permission sets; they have no effect."""

    templates: list[TemplateRead]


@dataclass(frozen=True, slots=True)
class PermissionSets:
    """The handlers of calls about permission sets."""

    administration: Administration
    tenants: VisibleTenants

    def list_all(self, _request: ApiRequest) -> Response:
        """Return every permission set."""
        every = self.administration.permission_sets.all()
        return answer_with(
            PermissionSetList(permission_sets=[PermissionSetRead(**_fields(each)) for each in every])
        )

    def of_tenant(self, request: ApiRequest) -> Response:
        """Return the permission sets that the caller may request for a tenant."""
        user = request.caller.user
        tenant = self.tenants.find(user, request.path["tenant"])
        if tenant is None:
            raise tenant_not_found(request.path["tenant"])
        sets = [
            PermissionSetRef(name=each.name, description=each.description, rank=each.rank)
            for each in self.tenants.requestable_sets(user, tenant)
        ]
        return answer_with(PermissionSetRefs(permission_sets=sets))

    def templates(self, _request: ApiRequest) -> Response:
        """Return the suggestions for permission sets."""
        templates = [
            TemplateRead(
                name=each.name,
                description=each.description,
                rank=each.rank,
                policies=list(each.policies),
                denies=[dict(statement) for statement in each.denies],
            )
            for each in self.administration.permission_sets.templates
        ]
        return answer_with(TemplateList(templates=templates))

    def show(self, request: ApiRequest) -> Response:
        """Return one permission set."""
        return _permission_set(self.administration.permission_sets.find(request.path["permission_set"]))

    def put(self, request: ApiRequest) -> Response:
        """Create or replace a permission set."""
        body = read_body(PermissionSetWrite, request.body)
        definition = Definition(body.description, body.rank, body.policies, body.denies, body.own_role)
        name = request.path["permission_set"]
        return _permission_set(
            self.administration.permission_sets.put(
                name, definition, request.caller, expected_or_none(request)
            )
        )

    def remove(self, request: ApiRequest) -> Response:
        """Delete a permission set."""
        self.administration.permission_sets.remove(
            request.path["permission_set"], request.caller, expected(request)
        )
        return answer_nothing()


def _permission_set(record: PermissionSetRecord) -> Response:
    answer = PermissionSetShow(**_fields(record.permission_set), members=record.members)
    return tagged(answer_with(answer), record.version)


def _fields(permission_set: PermissionSet) -> dict[str, Any]:
    return {
        "name": permission_set.name,
        "description": permission_set.description,
        "rank": permission_set.rank,
        "kind": permission_set.kind,
        "policies": [policy.text for policy in permission_set.policies],
        "denies": permission_set.deny_statements,
        "own_role": permission_set.has_own_role,
        "version": permission_set_version(permission_set),
    }


def operations(services: Services) -> Sequence[Operation]:
    """Return the operations."""
    sets = PermissionSets(services.administration, services.tenants)
    return [
        Operation(
            method="GET",
            path="/permission-sets",
            name="permissionSets",
            summary="List permission sets",
            permission=Permission.ADMINISTRATOR,
            handler=sets.list_all,
            answer=PermissionSetList,
        ),
        Operation(
            method="GET",
            path="/permission-set-templates",
            name="permissionSetTemplates",
            summary="List suggestions for permission sets",
            permission=Permission.ADMINISTRATOR,
            handler=sets.templates,
            answer=TemplateList,
        ),
        Operation(
            method="GET",
            path="/tenants/{tenant}/permission-sets",
            name="tenantPermissionSets",
            summary="List permission sets that the caller can request for a tenant",
            permission=Permission.USER,
            handler=sets.of_tenant,
            answer=PermissionSetRefs,
            refusals=(TenantNotFound,),
        ),
        *_one_permission_set(sets),
    ]


def _one_permission_set(sets: PermissionSets) -> Sequence[Operation]:
    path, parameters = "/permission-sets/{permission_set}", {"permission_set": "The permission set, by name."}
    return [
        Operation(
            method="GET",
            path=path,
            name="permissionSet",
            summary="Get a permission set",
            permission=Permission.ADMINISTRATOR,
            handler=sets.show,
            answer=PermissionSetShow,
            has_version=True,
            refusals=(PermissionSetNotFound,),
            parameters=parameters,
        ),
        Operation(
            method="PUT",
            path=path,
            name="putPermissionSet",
            summary="Create or replace a permission set",
            permission=Permission.ADMINISTRATOR,
            handler=sets.put,
            body=PermissionSetWrite,
            answer=PermissionSetShow,
            condition=Condition.PUT,
            refusals=(InvalidRequest,),
            parameters=parameters,
        ),
        Operation(
            method="DELETE",
            path=path,
            name="removePermissionSet",
            summary="Delete a permission set",
            permission=Permission.ADMINISTRATOR,
            handler=sets.remove,
            status=HTTPStatus.NO_CONTENT,
            condition=Condition.CHANGE,
            refusals=(PermissionSetNotFound, PermissionSetInUse),
            parameters=parameters,
        ),
    ]
