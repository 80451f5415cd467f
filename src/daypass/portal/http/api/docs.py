"""The API reference as a page, built from the OpenAPI document."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Document = Mapping[str, Any]

_METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter in the path, the query or the headers."""

    name: str
    location: str
    description: str
    is_required: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """A response by its status."""

    status: str
    sentences: Sequence[str]


@dataclass(frozen=True, slots=True)
class DescribedCall:
    """An operation as the page shows it."""

    anchor: str
    method: str
    path: str
    summary: str
    parameters: Sequence[Parameter]
    examples: Sequence[str]
    """Example request bodies, as indented JSON."""
    answers: Sequence[Answer]


@dataclass(frozen=True, slots=True)
class DocsPage:
    """The contents of the page."""

    title: str
    version: str
    about: str
    origin: str
    description_url: str
    calls: Sequence[DescribedCall]


def docs_page(document: Document, description_url: str) -> DocsPage:
    """Build the page from an OpenAPI document."""
    info = document["info"]
    return DocsPage(
        title=f"{info['title']} API",
        version=info["version"],
        # The descriptions are Markdown, of which they use code spans only, and the page shows plain text.
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
            Parameter(
                parameter["name"],
                parameter["in"],
                parameter["description"].replace("`", ""),
                parameter["required"],
            )
            for parameter in described["parameters"]
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
