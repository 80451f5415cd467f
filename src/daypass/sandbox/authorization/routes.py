"""The operations of the REST services, by method and path, from botocore's service descriptions."""

import gzip
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import botocore

_DESCRIPTIONS = {
    "batch": ("batch",),
    "elasticfilesystem": ("efs",),
    "lambda": ("lambda",),
    "opensearch": ("opensearch", "es"),
    "scheduler": ("scheduler",),
}
_LABEL = re.compile(r"\{(\w+)\+?\}")


@dataclass(frozen=True, slots=True)
class _Route:
    method: str
    pattern: re.Pattern[str]
    operation: str
    literals: int
    in_query: dict[str, str]


def match_route(
    service: str, method: str, path: str, query: dict[str, list[str]]
) -> tuple[str, dict[str, Any]] | None:
    """Return the operation at a path, with the members in path and query, or None."""
    path = path.rstrip("/")
    for route in _routes(service):
        found = route.pattern.fullmatch(path) if route.method == method else None
        if found is not None:
            members = {
                member: values if len(values) > 1 or member.endswith("Keys") else values[0]
                for name, member in route.in_query.items()
                if (values := query.get(name))
            }
            return route.operation, members | found.groupdict()
    return None


@cache
def _routes(service: str) -> tuple[_Route, ...]:
    """Return the service's routes, those with most fixed segments first."""
    routes = [route for name in _DESCRIPTIONS[service] for route in _described(name)]
    return tuple(sorted(routes, key=lambda route: -route.literals))


def _described(name: str) -> list[_Route]:
    newest = max((Path(botocore.__file__).parent / "data" / name).glob("*/service-2.json.gz"))
    description = json.loads(gzip.decompress(newest.read_bytes()))
    routes = []
    for operation, described in description["operations"].items():
        shape = description["shapes"].get(described.get("input", {}).get("shape"), {})
        in_query = {
            member.get("locationName", name): name
            for name, member in shape.get("members", {}).items()
            if member.get("location") == "querystring"
        }
        in_path = {
            member.get("locationName", name): name
            for name, member in shape.get("members", {}).items()
            if member.get("location") == "uri"
        }
        uri = described["http"]["requestUri"].partition("?")[0].rstrip("/")
        routes.append(
            _Route(
                described["http"]["method"],
                _compile(uri, in_path),
                operation,
                len(_LABEL.sub("", uri).split("/")) - uri.count("{"),
                in_query,
            )
        )
    return routes


def _compile(uri: str, members: dict[str, str]) -> re.Pattern[str]:
    segments = uri.split("/")
    parts = []
    for index, segment in enumerate(segments):
        label = _LABEL.fullmatch(segment)
        if label is None:
            parts.append(re.escape(segment))
            continue
        # The path is decoded already, so an ARN at its end may have slashes.
        text = ".+" if index == len(segments) - 1 else "[^/]+"
        parts.append(f"(?P<{members.get(label.group(1), label.group(1))}>{text})")
    return re.compile("/".join(parts))
