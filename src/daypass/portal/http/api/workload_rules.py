"""The API calls about workload rules."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Any

from pydantic import BaseModel, Field
from starlette.responses import Response

from daypass.portal.admin.model import WorkloadRuleRecord
from daypass.portal.admin.workloads.service import RuleDefinition, WorkloadRules
from daypass.portal.errors import (
    InvalidRequest,
    PermissionSetNotFound,
    TenantNotFound,
    UserNotFound,
    WorkloadRuleNotFound,
)
from daypass.portal.http.api.codec import answer_with, read_body
from daypass.portal.http.api.etags import expected, expected_or_none, tagged
from daypass.portal.http.api.operation import Condition, Operation
from daypass.portal.http.api.schema import RequestBody, Version, example
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.endpoints import ApiRequest, answer_nothing
from daypass.portal.http.services import Services
from daypass.portal.workloads.issuers.model import IssuerKind

_SECOND = timedelta(seconds=1)

_CLAIMS = (
    "The demanded value of each claim, compared exactly. A name that begins with a slash is a JSON Pointer "
    "(RFC 6901) into nested claims."
)
_TENANTS = "The permission set of each tenant that tokens reach, by the tenant's name."
_TOKEN_LIFETIME = "The life of a portal token in seconds, from 900 to 3600."  # noqa: S105  a description
_SESSION_LIMIT = "The longest AWS session in seconds, from 900 to 43200."
_TAGS = "The name of the session tag for each claim that becomes one; AWS gets it as `daypass:claim:NAME`."
_JWKS = "The public keys of a private issuer, as a JSON Web Key Set; null if they are found by discovery."

Text = Annotated[str, Field(max_length=512)]


class WorkloadRuleFields(BaseModel):
    """The content of a workload rule."""

    kind: IssuerKind
    issuer: str
    audience: str
    claims: Annotated[dict[str, str], Field(description=_CLAIMS)]
    service_account: str
    tenants: Annotated[dict[str, str], Field(description=_TENANTS)]
    token_lifetime: Annotated[int, Field(description=_TOKEN_LIFETIME)]
    session_limit: Annotated[int, Field(description=_SESSION_LIMIT)]
    session_tags: Annotated[dict[str, str], Field(description=_TAGS)]
    jwks: Annotated[dict[str, Any] | None, Field(description=_JWKS)]
    disabled: bool


class WorkloadRuleRead(WorkloadRuleFields):
    """A workload rule."""

    id: str
    name: str
    version: Version


class WorkloadRuleList(BaseModel):
    """All workload rules, by name."""

    workload_rules: list[WorkloadRuleRead]


class WorkloadRuleWrite(RequestBody):
    """The request to create or replace a workload rule."""

    model_config = example(
        kind="github",
        claims={"repository_id": "123456789", "repository_owner_id": "9919", "environment": "production"},
        service_account="shop-deployer",
        tenants={"dev01": "full"},
        session_tags={"repository": "repository", "run_id": "run"},
    )

    kind: IssuerKind
    issuer: Annotated[Text, Field(description="The claim `iss`. Empty for the kind's only one.")] = ""
    audience: Annotated[Text, Field(description="The claim `aud`. Empty for the portal's address.")] = ""
    claims: Annotated[dict[Text, Text], Field(max_length=16, description=_CLAIMS)]
    service_account: Annotated[str, Field(max_length=255, description="By username or id.")]
    tenants: Annotated[dict[Text, Text], Field(max_length=50, description=_TENANTS)] = Field(
        default_factory=dict
    )
    token_lifetime: Annotated[int, Field(ge=900, le=3600, description=_TOKEN_LIFETIME)] = 900
    session_limit: Annotated[int, Field(ge=900, le=43200, description=_SESSION_LIMIT)] = 3600
    session_tags: Annotated[dict[Text, Text], Field(max_length=10, description=_TAGS)] = Field(
        default_factory=dict
    )
    jwks: Annotated[dict[str, Any] | None, Field(description=_JWKS)] = None
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Handlers:
    """The handlers of calls about workload rules."""

    rules: WorkloadRules

    def list_all(self, _request: ApiRequest) -> Response:
        """Return every rule."""
        every = [_represent(record) for record in self.rules.all()]
        return answer_with(WorkloadRuleList(workload_rules=every))

    def show(self, request: ApiRequest) -> Response:
        """Return one rule."""
        return _rule(self.rules.find(request.path["rule"]))

    def put(self, request: ApiRequest) -> Response:
        """Create or replace a rule."""
        body = read_body(WorkloadRuleWrite, request.body)
        definition = RuleDefinition(
            kind=body.kind,
            claims=body.claims,
            service_account=body.service_account,
            tenants=body.tenants,
            issuer=body.issuer,
            audience=body.audience,
            token_lifetime=timedelta(seconds=body.token_lifetime),
            session_limit=timedelta(seconds=body.session_limit),
            tags=body.session_tags,
            jwks=None if body.jwks is None else json.dumps(body.jwks),
            is_disabled=body.disabled,
        )
        version = expected_or_none(request)
        return _rule(self.rules.put(request.path["rule"], definition, request.caller, version))

    def remove(self, request: ApiRequest) -> Response:
        """Delete a rule."""
        self.rules.remove(request.path["rule"], request.caller, expected(request))
        return answer_nothing()


def _rule(record: WorkloadRuleRecord) -> Response:
    return tagged(answer_with(_represent(record)), record.version)


def _represent(record: WorkloadRuleRecord) -> WorkloadRuleRead:
    rule = record.rule
    return WorkloadRuleRead(
        id=rule.id,
        name=rule.name,
        kind=rule.kind,
        issuer=rule.issuer,
        audience=rule.audience,
        claims=dict(rule.claims),
        service_account=record.account.username,
        tenants={each.name: each.permission_set.name for each in rule.tenants},
        token_lifetime=rule.token_lifetime // _SECOND,
        session_limit=rule.session_limit // _SECOND,
        session_tags=dict(rule.tags),
        jwks=None if rule.jwks is None else json.loads(rule.jwks),
        disabled=rule.is_disabled,
        version=record.version,
    )


def operations(services: Services) -> Sequence[Operation]:
    """Return the operations."""
    handlers = Handlers(services.administration.workload_rules)
    return [
        Operation(
            method="GET",
            path="/workload-rules",
            name="workloadRules",
            summary="List workload rules",
            permission=Permission.ADMINISTRATOR,
            handler=handlers.list_all,
            answer=WorkloadRuleList,
        ),
        *_one_rule(handlers),
    ]


def _one_rule(handlers: Handlers) -> Sequence[Operation]:
    path, parameters = "/workload-rules/{rule}", {"rule": "The workload rule, by name or id."}
    return [
        Operation(
            method="GET",
            path=path,
            name="workloadRule",
            summary="Get a workload rule",
            permission=Permission.ADMINISTRATOR,
            handler=handlers.show,
            answer=WorkloadRuleRead,
            has_version=True,
            refusals=(WorkloadRuleNotFound,),
            parameters=parameters,
        ),
        Operation(
            method="PUT",
            path=path,
            name="putWorkloadRule",
            summary="Create or replace a workload rule; its tokens end",
            permission=Permission.ADMINISTRATOR,
            handler=handlers.put,
            body=WorkloadRuleWrite,
            answer=WorkloadRuleRead,
            condition=Condition.PUT,
            refusals=(InvalidRequest, UserNotFound, TenantNotFound, PermissionSetNotFound),
            parameters=parameters,
        ),
        Operation(
            method="DELETE",
            path=path,
            name="removeWorkloadRule",
            summary="Delete a workload rule; its tokens end",
            permission=Permission.ADMINISTRATOR,
            handler=handlers.remove,
            status=HTTPStatus.NO_CONTENT,
            condition=Condition.CHANGE,
            refusals=(WorkloadRuleNotFound,),
            parameters=parameters,
        ),
    ]
