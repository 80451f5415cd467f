"""What there is in a portal, with the version of each thing, so that a change is made to what was seen."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from daypass.cli.api import errors
from daypass.cli.api.client import Portal
from daypass.cli.api.responses import UNREADABLE, every_page, read_json
from daypass.cli.declarative.manifest import Manifest, MetadataEntry, SettingKey, Tenant, User
from daypass.cli.runtime.errors import NotFound, Refusal

_PAGE_SIZE = 500
"""So many at once; more does not fit into one answer."""


@dataclass(slots=True)
class Versions:
    """What a change has to name, by what it changes."""

    users: dict[str, str] = field(default_factory=dict)
    tenants: dict[str, str] = field(default_factory=dict)
    members: dict[tuple[str, str], str] = field(default_factory=dict)
    settings: dict[SettingKey, str] = field(default_factory=dict)
    tenant_settings: dict[tuple[str, str], str] = field(default_factory=dict)
    metadata: dict[tuple[str, str], str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LiveState:
    """All users, tenants, memberships, settings and metadata, as the portal tells them."""

    manifest: Manifest
    versions: Versions
    supports_metadata: bool = True
    """A portal may be older than its users' `daypass`."""


def read(portal: Portal) -> LiveState:
    """Read all of it; the caller must be an Administrator."""
    try:
        return _read_all(portal)
    except UNREADABLE as error:
        if isinstance(error, Refusal):
            raise
        raise errors.not_a_portal(portal.origin) from error


def path(*parts: str) -> str:
    """An address of our API; names may have any sign in them."""
    return "/api/v1/" + "/".join(quote(part, safe="") for part in parts)


def _read_all(portal: Portal) -> LiveState:
    versions = Versions()
    users: dict[str, User] = {}
    for one in _items(portal, path("users"), "users"):
        users[one["username"]] = User(one["role"], one["disabled"])
        versions.users[one["username"]] = one["version"]
    members: dict[str, dict[str, str]] = {}
    for one in _items(portal, path("memberships"), "memberships"):
        members.setdefault(one["tenant"], {})[one["username"]] = one["access"]
        versions.members[one["tenant"], one["username"]] = one["version"]
    of_tenants: dict[str, dict[str, str]] = {}
    for one in _items(portal, path("tenant-settings"), "settings"):
        of_tenants.setdefault(one["tenant"], {})[one["key"]] = one["value"]
        versions.tenant_settings[one["tenant"], one["key"]] = one["version"]
    noted = _metadata(portal, versions)
    tenants: dict[str, Tenant] = {}
    for one in _items(portal, path("tenants"), "tenants"):
        name = one["name"]
        inner = members.get(name, {}), of_tenants.get(name, {}), (noted or {}).get(name, {})
        tenants[name] = _tenant(one, *inner)
        versions.tenants[name] = one["version"]
    settings: dict[SettingKey, str] = {}
    for one in _get(portal, path("settings"))["settings"]:
        settings[one["type"], one["key"]] = one["value"]
        versions.settings[one["type"], one["key"]] = one["version"]
    return LiveState(Manifest(users, tenants, settings), versions, noted is not None)


def _metadata(portal: Portal, versions: Versions) -> Mapping[str, Mapping[str, MetadataEntry]] | None:
    """What is noted about each tenant; None where the portal does not know of such a thing."""
    noted: dict[str, dict[str, MetadataEntry]] = {}
    try:
        for one in _items(portal, path("tenant-metadata"), "metadata"):
            noted.setdefault(one["tenant"], {})[one["key"]] = MetadataEntry(one["kind"], one["value"])
            versions.metadata[one["tenant"], one["key"]] = one["version"]
    except NotFound:
        return None
    return noted


def _tenant(
    one: Mapping[str, Any],
    members: Mapping[str, str],
    settings: Mapping[str, str],
    metadata: Mapping[str, MetadataEntry],
) -> Tenant:
    return Tenant(
        line=0,
        region=one["region"],
        role_arn=one["role_arn"],
        external_id=one["external_id"],
        members=dict(sorted(members.items())),
        settings=settings,
        metadata=metadata,
    )


def _items(portal: Portal, address: str, name: str) -> Iterator[dict[str, Any]]:
    def page_at(cursor: str | None) -> dict[str, Any]:
        query = {"limit": _PAGE_SIZE} | ({} if cursor is None else {"cursor": cursor})
        return _get(portal, f"{address}?{urlencode(query)}")

    yield from every_page(portal.origin, name, page_at)


def _get(portal: Portal, address: str) -> dict[str, Any]:
    answer = portal.call("GET", address, None, f"asking {portal.origin} what there is")
    found: dict[str, Any] = read_json(answer.body)
    return found
