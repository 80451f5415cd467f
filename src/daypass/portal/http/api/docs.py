"""The description of our API as a page, made of the very document that programs read."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Document = Mapping[str, Any]

_METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Parameter:
    """Something that goes into path, query or headers."""

    name: str
    place: str
    description: str
    is_required: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What may come back."""

    status: str
    sentences: Sequence[str]


@dataclass(frozen=True, slots=True)
class DescribedCall:
    """One call."""

    anchor: str
    method: str
    path: str
    summary: str
    parameters: Sequence[Parameter]
    examples: Sequence[str]
    """Bodies to send."""
    answers: Sequence[Answer]


@dataclass(frozen=True, slots=True)
class DocsPage:
    """All of it."""

    title: str
    version: str
    about: str
    origin: str
    description_url: str
    calls: Sequence[DescribedCall]


def docs_page(document: Document, description_url: str) -> DocsPage:
    """The page of an OpenAPI document."""
    info = document["info"]
    return DocsPage(
        title=f"{info['title']} API",
        version=info["version"],
        about=info["description"].replace("`", ""),
        origin=document["servers"][0]["url"],
        description_url=description_url,
        calls=list(_calls(document)),
    )


def _calls(document: Document) -> Iterator[DescribedCall]:
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                yield _call(document, path, method, methods[method])


def _call(document: Document, path: str, method: str, described: Mapping[str, Any]) -> DescribedCall:
    return DescribedCall(
        anchor=described["operationId"],
        method=method.upper(),
        path=path,
        summary=described["summary"],
        parameters=[
            Parameter(one["name"], one["in"], one["description"].replace("`", ""), one["required"])
            for one in described["parameters"]
        ],
        examples=list(_examples(document, described)),
        answers=[
            Answer(status, [line.removeprefix("- ").replace("`", "") for line in lines])
            for status, answer in sorted(described["responses"].items())
            if (lines := answer["description"].splitlines())
        ],
    )


def _examples(document: Document, described: Mapping[str, Any]) -> Iterator[str]:
    body = described.get("requestBody")
    if body is None:
        return
    schema = body["content"]["application/json"]["schema"]
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for example in schema.get("examples", ()):
        yield json.dumps(example, ensure_ascii=False, indent=2)
