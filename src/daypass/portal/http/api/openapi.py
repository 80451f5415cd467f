"""The OpenAPI 3.1 description of our API, made of the very operations that serve it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from itertools import groupby
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from daypass.portal.errors import PortalError
from daypass.portal.http.api.operation import Condition, Operation
from daypass.portal.http.api.schemas.member import Problem
from daypass.portal.http.core.problems import STATUSES
from daypass.portal.http.core.warnings import WARNING

_REF = "#/components/schemas/{model}"
_ABOUT = (
    "Short-lived AWS access. Send an API token as `Authorization: Bearer TOKEN`. A refusal is a problem "
    "document (RFC 9457): its `detail` is a sentence for people, its `code` is for programs. Every answer "
    "carries `X-Request-Id`, by which the portal's log finds the request."
)
_PATH = {
    "tenant": "A tenant, by name or id.",
    "user": "A user, by username or id.",
    "type": "A setting's type, as `Flags` or `AppConfig`.",
    "key": "A setting's key; it may have slashes.",
    "token": "An API token, by id.",
    "event": "An event, by id.",
}
"""What stands in paths."""

Schemas = Mapping[Any, Mapping[str, Any]]
"""What stands for each model and mode; pydantic has no name for the type of these keys."""


def describe(operations: Sequence[Operation], public_url: str, version: str) -> dict[str, Any]:
    """The whole document."""
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
                "token": {"type": "http", "scheme": "bearer", "description": "An API token of the portal."}
            },
        },
    }


def _models(operations: Iterable[Operation]) -> Iterable[tuple[type[BaseModel], JsonSchemaMode]]:
    yield Problem, "serialization"
    for operation in operations:
        if operation.answer is not None:
            yield operation.answer, "serialization"
        for asked in (operation.body, operation.query):
            if asked is not None:
                yield asked, "validation"


def _operation(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": [
            *_path_parameters(operation.described_path),
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
        response = _response("It is done.", None, {})
    else:
        schema = schemas[operation.answer, "serialization"]
        response = _response(operation.answer.__doc__ or "", "application/json", schema)
    if operation.shows_version:
        response["headers"]["ETag"] = {
            "description": "The version of what is shown; a change names it as `If-Match`.",
            "schema": {"type": "string"},
        }
    if operation.warning:
        response["headers"][WARNING] = {"description": operation.warning, "schema": {"type": "string"}}
    return response


def _conditions(condition: Condition | None) -> Iterable[dict[str, Any]]:
    """The precondition headers of a change; without any of them it is refused."""
    if condition is None:
        return
    yield _header(
        "If-Match",
        "To change: the ETag of what is changed, or `*` for whatever is there.",
        {"version": "Change the version that was shown", "any": "Change whatever is there"},
        {"version": '"5f0c1d6b9a3e4c7d8e2f1a0b"', "any": "*"},
    )
    if condition is Condition.PUT:
        yield _header(
            "If-None-Match",
            "To create: `*`, for there must be none yet; in place of `If-Match`.",
            {"new": "Create what is not there yet"},
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


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "description": _PATH[name],
            "required": True,
            "schema": {"type": "string"},
        }
        for name in re.findall(r"{(\w+)}", path)
    ]


def _parameters(query: type[BaseModel] | None) -> list[dict[str, Any]]:
    if query is None:
        return []
    whole = query.model_json_schema()
    properties = {name: _written(schema, whole) for name, schema in whole["properties"].items()}
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


def _written(schema: dict[str, Any], whole: Mapping[str, Any]) -> dict[str, Any]:
    """A query's field as it can be written in an address, where nothing is null."""
    choices = [choice for choice in schema.get("anyOf", [schema]) if choice.get("type") != "null"]
    (only,) = choices
    if "$ref" in only:
        only = whole["$defs"][only["$ref"].rpartition("/")[2]]
    kept = {key: value for key, value in schema.items() if key not in {"anyOf", "$ref"}}
    kept.pop("default", None) if kept.get("default", "") is None else None
    return {**only, **kept}


def _refusals(kinds: Iterable[type[PortalError]], schema: Mapping[str, Any]) -> dict[str, Any]:
    responses = {}
    for status, same in groupby(sorted(kinds, key=STATUSES.__getitem__), key=STATUSES.__getitem__):
        lines = [f"- `{kind.code}`: {kind.__doc__}" for kind in same]
        responses[str(status.value)] = _refusal(status, "\n".join(lines), schema)
    return responses


def _refusal(status: HTTPStatus, text: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    response = _response(text, "application/problem+json", schema)
    header = {
        HTTPStatus.SERVICE_UNAVAILABLE: ("Retry-After", "Seconds to wait before trying again.", "integer"),
        HTTPStatus.UNAUTHORIZED: ("WWW-Authenticate", "Asks for a bearer token.", "string"),
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
                "description": "Finds this request in the portal's log.",
                "schema": {"type": "string"},
            }
        },
        **content,
    }
