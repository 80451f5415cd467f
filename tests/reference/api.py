"""The reference page of the API."""

import json
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from daypass.portal.http.api.operation import Operation
from daypass.portal.http.core.authentication import Permission
from tests.reference.markdown import table, wrap, wrapped
from tests.reference.openapi import document, operations

_HEAD = """\
<!-- Written by scripts/reference from the operations in src/daypass/portal/http/api. -->

# API reference

The REST API of the portal, below `/api/v1`. A portal serves its own description in OpenAPI 3.1 at
`/api/v1/openapi.json`, without a token, and shows it at `/api/docs`. [The same description](openapi.json)
is in this folder, for generators of clients.

## How to call it

```console
$ curl --header "Authorization: Bearer $DAYPASS_TOKEN" \\
    https://portal.example.com/api/v1/me
```

- **Token.** Send an API token as `Authorization: Bearer TOKEN`. `daypass token` prints that of your
sign-in; [pipelines](../guides/pipelines.md) have permanent ones. Operations for users accept the token of
any user, and answer within that user's access. Operations for Administrators need the token of an
Administrator, with admin access (`daypass token --admin`), and some need [a recent
sign-in](../guides/administrative-actions.md).
- **Bodies** are JSON objects, and a field that is not known is refused. Times are in UTC, such as
`2026-11-24T15:00:00+00:00`.
- **Lists** have at most `limit` results. `next_cursor` of the answer is the `cursor` of the next request,
and null on the last page.
- **Versions.** An operation with the header `If-Match` needs it: the `ETag` of the last answer, or `*` for
any version. To create an object by `PUT`, send `If-None-Match: *` instead.
- **Errors** are problem details (RFC 9457) with a stable `code`; see [all codes](errors.md). Every
operation can answer with these: {common}.
- **Request ids.** Every answer has the header `X-Request-Id`, which identifies the request in the portal's
log.
"""

_TITLES: Mapping[str, str] = {
    "me": "The caller",
    "sessions.handlers": "AWS sessions",
    "tenants.handlers": "Tenants",
    "resources": "AWS resources",
    "users.handlers": "Users",
    "user_imports": "User imports",
    "members": "Memberships",
    "groups.handlers": "Groups",
    "groups.memberships": "Memberships of groups",
    "permission_sets": "Permission sets",
    "workload_rules": "Workload rules",
    "provisioning": "Provisioning by SCIM",
    "settings.handlers": "Settings",
    "metadata": "Metadata",
    "tokens": "API tokens",
    "sessions.all_users": "Sessions of all users",
    "audit": "The audit log",
    "overview": "The overview",
}
"""The title of each module's operations."""

_ON_A_TENANT = frozenset({"showTenantSetting", "putTenantSetting", "removeTenantSetting"})
"""Operations whose summary another operation has too."""

_FOR: Mapping[Permission, str] = {
    Permission.USER: "For users.",
    Permission.SESSION: "For users, also with a workload's token.",
    Permission.JIT: "For users, also with a token of a legacy client.",
    Permission.ADMINISTRATOR: "For Administrators.",
}

Schema = Mapping[str, Any]


def api_page() -> str:
    """Return the page of all operations and objects, in Markdown."""
    described = document()
    every = [operation for of_resource in operations().values() for operation in of_resource]
    common = set.intersection(*(_codes(operation) for operation in every))
    head = wrapped(_HEAD.replace("{common}", ", ".join(_link(code) for code in sorted(common))))
    parts = [head]
    for module, of_resource in operations().items():
        parts.append(f"## {_TITLES[module]}")
        for operation in of_resource:
            parts += _operation(operation, described, common)
    parts += ["## Objects", wrap("The objects in bodies and answers, and the values of their fields.")]
    used = _used_schemas(described)
    for name, schema in described["components"]["schemas"].items():
        if name in used:
            parts += _object(name, schema)
    return "\n\n".join(parts) + "\n"


def _codes(operation: Operation) -> set[str]:
    return {kind.code for kind in operation.every_refusal}


def _link(code: str) -> str:
    return f"[`{code}`](errors.md#{code})"


def _operation(operation: Operation, described: Schema, common: set[str]) -> Iterator[str]:
    call = described["paths"][operation.described_path][operation.method.lower()]
    yield f"### {_heading(operation)}"
    yield f"```text\n{operation.method} {operation.described_path}\n```"
    facts = [_FOR[operation.permission]]
    if operation.body is not None:
        facts.append(f"The body is {_reference(operation.body.__name__)}.")
    facts.append(_answer(operation))
    yield wrap(" ".join(facts))
    rows = [
        (f"`{parameter['name']}`", parameter["in"], _parameter(parameter)) for parameter in call["parameters"]
    ]
    if rows:
        yield table(("parameter", "in", "meaning"), rows)
    for example in _examples(operation, described):
        yield f"```json\n{json.dumps(example, ensure_ascii=False, indent=2)}\n```"
    own = [code for code in sorted(_codes(operation)) if code not in common]
    if own:
        yield wrap(f"Errors beside the common ones: {', '.join(_link(code) for code in own)}.")


def _heading(operation: Operation) -> str:
    """Return the summary, which some operations on a tenant's objects share with those on the portal's."""
    return operation.summary + (" of a tenant" if operation.name in _ON_A_TENANT else "")


def _answer(operation: Operation) -> str:
    status = f"{operation.status.value} {HTTPStatus(operation.status).phrase}"
    if operation.answer is None:
        return f"The answer is {status}, without a body."
    text = f"The answer is {status} with {_reference(operation.answer.__name__)}"
    text += ", and has an `ETag`." if operation.shows_version else "."
    if operation.warning:
        text += f" The header `Daypass-Warning`: {operation.warning}"
    return text


def _reference(name: str) -> str:
    return f"[`{name}`](#{name.lower()})"


def _parameter(parameter: Schema) -> str:
    """Return the meaning of a parameter, with its type where it is not plain text."""
    kind, default = _type(parameter["schema"]), parameter["schema"].get("default")
    sentences = [parameter["description"]]
    if kind != "string":
        sentences.append(f"See {kind}." if kind.startswith("[") else f"{kind.capitalize()}.")
    if default not in (None, ""):
        sentences.append(f"Default: `{json.dumps(default)}`.")
    return " ".join(sentences)


def _examples(operation: Operation, described: Schema) -> Sequence[Any]:
    if operation.body is None:
        return ()
    schema = described["components"]["schemas"][operation.body.__name__]
    examples: Sequence[Any] = schema.get("examples", ())
    return examples


def _used_schemas(described: Schema) -> set[str]:
    """Return the objects that bodies and answers refer to; queries are described with their operations."""
    schemas, found = described["components"]["schemas"], set[str]()
    waiting = {"Problem"}
    for of_resource in operations().values():
        for operation in of_resource:
            waiting |= {model.__name__ for model in (operation.body, operation.answer) if model is not None}
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= {other for other in _references(schemas[name]) if other not in found}
    return found


def _references(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield str(schema["$ref"]).rpartition("/")[2]
        for value in schema.values():
            yield from _references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _references(value)


def _object(name: str, schema: Schema) -> Iterator[str]:
    yield f"### {name}"
    if text := schema.get("description", "").partition("\n\n")[0]:
        yield wrap(" ".join(text.split()))
    if "enum" in schema:
        yield wrap(f"One of {', '.join(f'`{value}`' for value in schema['enum'])}.")
        return
    required = set(schema.get("required", ()))
    rows = [
        (f"`{field}`", _type(part), _meaning(part, is_required=field in required))
        for field, part in schema["properties"].items()
    ]
    if any(meaning for _, _, meaning in rows):
        yield table(("field", "type", "meaning"), rows)
    else:
        yield table(("field", "type"), [row[:2] for row in rows])


def _meaning(schema: Schema, *, is_required: bool) -> str:
    sentences = [schema["description"]] if "description" in schema else []
    if "default" in schema and schema["default"] is not None:
        sentences.append(f"Default: `{json.dumps(schema['default'])}`.")
    elif not is_required:
        sentences.append("Optional.")
    return " ".join(sentences)


def _type(schema: Schema) -> str:
    if "$ref" in schema:
        return _reference(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(choice) for choice in schema["anyOf"]))
    if "allOf" in schema:
        return _type(schema["allOf"][0])
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {_type(schema['items'])}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_type(schema['additionalProperties'])}"
    if kind == "integer" and "minimum" in schema and "maximum" in schema:
        return f"integer from {schema['minimum']} to {schema['maximum']}"
    return "time" if schema.get("format") == "date-time" else str(kind)
