"""The OpenAPI 3.1 document of the API, generated from the operations that serve it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from itertools import groupby
from typing import Annotated, Any

from pydantic import BaseModel, Field
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from daypass.portal.errors import PortalError
from daypass.portal.http.api.operation import Condition, Operation
from daypass.portal.http.core.problems import STATUSES
from daypass.portal.http.core.warnings import WARNING

_REF = "#/components/schemas/{model}"
_ABOUT = (
    "Just-in-time AWS access. Send an API token as `Authorization: Bearer TOKEN`. Errors are problem details "
    "(RFC 9457) with a readable `detail` and a stable `code`. Every response has an `X-Request-Id`, which "
    "identifies the request in the portal's log."
)
_PATH = {
    "tenant": "The name or id of the tenant.",
    "user": "The username or id of the user.",
    "group": "The id of the group, or its name if no other group has it.",
    "key": "The key of the entry. It may contain slashes.",
}
"""The descriptions of the path parameters that several resources have."""

Schemas = Mapping[Any, Mapping[str, Any]]
"""The JSON schema by model and mode; pydantic does not export the type of these keys."""


class Problem(BaseModel):
    """An error (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: Annotated[str, Field(description="The error message: what happened and what to do.")]
    code: Annotated[str, Field(description="The error code. Stable, for programs.")]
    request_id: Annotated[str, Field(description="The id of the request in the portal's log.")]


def openapi_document(operations: Sequence[Operation], public_url: str, version: str) -> dict[str, Any]:
    """Build the OpenAPI document."""
    schemas, definitions = models_json_schema([*_models(operations)], ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.described_path, {})[operation.method.lower()] = _operation(
            operation, schemas
        )
    return {
        "openapi": "3.1.0",
        "info": {"title": "Daypass", "version": version, "description": _ABOUT},
        "servers": [{"url": public_url}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": definitions["$defs"],
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "An API token."}
            },
        },
    }


def _models(operations: Iterable[Operation]) -> Iterable[tuple[type[BaseModel], JsonSchemaMode]]:
    yield Problem, "serialization"
    for operation in operations:
        if operation.answer is not None:
            yield operation.answer, "serialization"
        for model in (operation.body, operation.query):
            if model is not None:
                yield model, "validation"


def _operation(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": [
            *_path_parameters(operation),
            *_parameters(operation.query),
            *_conditions(operation.condition),
        ],
        "responses": {
            str(operation.status.value): _success(operation, schemas),
            **_refusals(operation.every_refusal, schemas[Problem, "serialization"]),
        },
    }
    if operation.body is not None:
        content = {"application/json": {"schema": schemas[operation.body, "validation"]}}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _success(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    if operation.answer is None:
        response = _response("The operation succeeded.", None, {})
    else:
        schema = schemas[operation.answer, "serialization"]
        response = _response(operation.answer.__doc__ or "", "application/json", schema)
    if operation.shows_version:
        response["headers"]["ETag"] = {
            "description": "The version of the resource. Send it as `If-Match` to update or delete.",
            "schema": {"type": "string"},
        }
    if operation.warning:
        response["headers"][WARNING] = {"description": operation.warning, "schema": {"type": "string"}}
    return response


def _conditions(condition: Condition | None) -> Iterable[dict[str, Any]]:
    """Yield the precondition headers of a change, one of which is required."""
    if condition is None:
        return
    yield _header(
        "If-Match",
        "Required to update or delete: the `ETag` of the resource, or `*` for any version.",
        {"version": "Change the version last read", "any": "Change any version"},
        {"version": '"5f0c1d6b9a3e4c7d8e2f1a0b"', "any": "*"},
    )
    if condition is Condition.PUT:
        yield _header(
            "If-None-Match",
            "Required to create, instead of `If-Match`: `*`. Fails if the resource exists.",
            {"new": "Create the resource"},
            {"new": "*"},
        )


def _header(
    name: str, description: str, summaries: Mapping[str, str], values: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "description": description,
        "required": False,
        "schema": {"type": "string"},
        "examples": {key: {"summary": summaries[key], "value": value} for key, value in values.items()},
    }


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    descriptions = {**_PATH, **operation.parameters}
    return [
        {
            "name": name,
            "in": "path",
            "description": descriptions[name],
            "required": True,
            "schema": {"type": "string"},
        }
        for name in re.findall(r"{(\w+)}", operation.described_path)
    ]


def _parameters(query: type[BaseModel] | None) -> list[dict[str, Any]]:
    if query is None:
        return []
    whole = query.model_json_schema()
    properties = {name: _query_schema(schema, whole) for name, schema in whole["properties"].items()}
    return [
        {
            "name": name,
            "in": "query",
            "description": schema.get("description", ""),
            "required": False,
            "schema": {key: value for key, value in schema.items() if key not in {"description", "title"}},
        }
        for name, schema in properties.items()
    ]


def _query_schema(schema: dict[str, Any], whole: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a query parameter without null, which a query string cannot express."""
    choices = [choice for choice in schema.get("anyOf", [schema]) if choice.get("type") != "null"]
    (choice,) = choices
    if "$ref" in choice:
        choice = whole["$defs"][choice["$ref"].rpartition("/")[2]]
    rest = {key: value for key, value in schema.items() if key not in {"anyOf", "$ref"}}
    if rest.get("default", "") is None:
        del rest["default"]
    return {**choice, **rest}


def _refusals(kinds: Iterable[type[PortalError]], schema: Mapping[str, Any]) -> dict[str, Any]:
    responses = {}
    # OpenAPI has one description for a status, so the errors that share one become the lines of a list.
    for status, same in groupby(sorted(kinds, key=STATUSES.__getitem__), key=STATUSES.__getitem__):
        lines = [f"- `{kind.code}`: {kind.__doc__}" for kind in same]
        responses[str(status.value)] = _refusal(status, "\n".join(lines), schema)
    return responses


def _refusal(status: HTTPStatus, text: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    response = _response(text, "application/problem+json", schema)
    header = {
        HTTPStatus.SERVICE_UNAVAILABLE: (
            "Retry-After",
            "The number of seconds to wait before retrying.",
            "integer",
        ),
        HTTPStatus.UNAUTHORIZED: ("WWW-Authenticate", "The authentication scheme: `Bearer`.", "string"),
    }.get(status)
    if header is not None:
        name, description, type_ = header
        response["headers"][name] = {"description": description, "schema": {"type": type_}}
    return response


def _response(description: str, media_type: str | None, schema: Mapping[str, Any]) -> dict[str, Any]:
    content = {} if media_type is None else {"content": {media_type: {"schema": schema}}}
    return {
        "description": description,
        "headers": {
            "X-Request-Id": {
                "description": "Identifies this request in the portal's log.",
                "schema": {"type": "string"},
            }
        },
        **content,
    }
