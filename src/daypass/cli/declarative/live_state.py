"""The current state of a portal, with the version of each object for optimistic locking (If-Match)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from daypass.cli.api import errors
from daypass.cli.api.client import Portal
from daypass.cli.api.responses import UNREADABLE, every_page, read_json
from daypass.cli.declarative import workload_rules
from daypass.cli.declarative.groups import Group, GroupVersions, Membership, time_text
from daypass.cli.declarative.manifest import (
    Manifest,
    MetadataEntry,
    SettingKey,
    Tenant,
    User,
)
from daypass.cli.declarative.permission_sets import BUILT_IN_SETS, PermissionSet
from daypass.cli.declarative.step import address
from daypass.cli.runtime.errors import NotFound, Refusal

_PAGE_SIZE = 500
"""The largest page that the API returns."""


@dataclass(slots=True)
class Versions:
    """The version of each object, which a change must name."""

    users: dict[str, str] = field(default_factory=dict)
    tenants: dict[str, str] = field(default_factory=dict)
    members: dict[tuple[str, str], str] = field(default_factory=dict)
    permission_sets: dict[str, str] = field(default_factory=dict)
    settings: dict[SettingKey, str] = field(default_factory=dict)
    tenant_settings: dict[tuple[str, str], str] = field(default_factory=dict)
    metadata: dict[tuple[str, str], str] = field(default_factory=dict)
    workload_rules: dict[str, str] = field(default_factory=dict)
    groups: GroupVersions = field(default_factory=GroupVersions)


@dataclass(frozen=True, slots=True)
class LiveState:
    """All users, tenants, memberships, settings and metadata of a portal."""

    manifest: Manifest
    versions: Versions
    supports_metadata: bool = True
    """False for an older portal, whose API has no metadata."""


def read(portal: Portal) -> LiveState:
    """Read the whole state; the caller must be an Administrator."""
    try:
        return _read_all(portal)
    except UNREADABLE as error:
        if isinstance(error, Refusal):
            raise
        raise errors.not_a_portal(portal.origin) from error


path = address


def _read_all(portal: Portal) -> LiveState:
    versions = Versions()
    users: dict[str, User] = {}
    for user in _items(portal, path("users"), "users"):
        # An older portal has neither owners nor descriptions nor kinds.
        described = user.get("owner") or "", user.get("description", ""), user.get("kind")
        # The role by a group is no role to export or to change. An older portal has no groups.
        role = user.get("assigned_role", user["role"])
        users[user["username"]] = User(role, user["disabled"], *described)
        versions.users[user["username"]] = user["version"]
    members: dict[str, dict[str, str]] = {}
    for member in _items(portal, path("memberships"), "memberships"):
        # An older portal has no permission sets.
        permission_set = member.get("permission_set", member["access"])
        members.setdefault(member["tenant"], {})[member["username"]] = permission_set
        versions.members[member["tenant"], member["username"]] = member["version"]
    tenant_settings: dict[str, dict[str, str]] = {}
    for setting in _items(portal, path("tenant-settings"), "settings"):
        tenant_settings.setdefault(setting["tenant"], {})[setting["key"]] = setting["value"]
        versions.tenant_settings[setting["tenant"], setting["key"]] = setting["version"]
    metadata = _metadata(portal, versions)
    tenants: dict[str, Tenant] = {}
    for tenant in _items(portal, path("tenants"), "tenants"):
        name = tenant["name"]
        inner = members.get(name, {}), tenant_settings.get(name, {}), (metadata or {}).get(name, {})
        tenants[name] = _tenant(tenant, *inner)
        versions.tenants[name] = tenant["version"]
    settings: dict[SettingKey, str] = {}
    for setting in _get(portal, path("settings"))["settings"]:
        settings[setting["type"], setting["key"]] = setting["value"]
        versions.settings[setting["type"], setting["key"]] = setting["version"]
    sets = _permission_sets(portal, versions)
    rules = _workload_rules(portal, versions)
    groups = _groups(portal, versions.groups)
    manifest = Manifest(users, tenants, settings, sets, rules, groups)
    return LiveState(manifest, versions, metadata is not None)


def _workload_rules(portal: Portal, versions: Versions) -> Mapping[str, workload_rules.Rule] | None:
    """Return the workload rules by name; None if the portal's API has none."""
    try:
        listed = _get(portal, path("workload-rules"))["workload_rules"]
    except NotFound:
        return None
    versions.workload_rules.update({each["name"]: each["version"] for each in listed})
    return {each["name"]: workload_rules.of_portal(each) for each in listed}


def _groups(portal: Portal, versions: GroupVersions) -> Mapping[str, Group] | None:
    """Return the groups by their names in a file; None if the portal's API has none."""
    groups: dict[str, Group] = {}
    try:
        listed = list(_items(portal, path("groups"), "groups"))
    except NotFound:
        return None
    for each in listed:
        provider, id_ = each["provider"], each["id"]
        key = f"{provider}/{each['name']}" if provider else each["name"]
        versions.ids[key], versions.groups[key] = id_, each["version"]
        if each["source"] == "scim":
            versions.provisioned.add(key)
        memberships: dict[str, Membership] = {}
        for given in _items(portal, path("groups", id_, "memberships"), "memberships"):
            ends_at = None if given["ends_at"] is None else time_text(given["ends_at"])
            memberships[given["tenant"]] = Membership(given["permission_set"], ends_at)
            versions.memberships[key, given["tenant"]] = given["version"]
        members = None
        if not provider:
            members = [each["username"] for each in _items(portal, path("groups", id_, "members"), "members")]
        groups[key] = Group(
            line=0,
            description=each["description"],
            # The id of SCIM is the provider's own, and no value of a claim.
            value=each["value"] if each["source"] == "claim" else None,
            makes_administrators=each["makes_administrators"],
            members=members,
            memberships=memberships,
        )
    return groups


def _permission_sets(portal: Portal, versions: Versions) -> Mapping[str, PermissionSet] | None:
    """Return the custom permission sets by name; None if the portal's API has none."""
    sets: dict[str, PermissionSet] = {}
    try:
        listed = _get(portal, path("permission-sets"))["permission_sets"]
    except NotFound:
        return None
    for each in listed:
        if each["name"] not in BUILT_IN_SETS:
            sets[each["name"]] = PermissionSet(
                each["rank"],
                each["description"],
                each["policies"],
                each["denies"],
                own_role=each.get("own_role", False),
            )
            versions.permission_sets[each["name"]] = each["version"]
    return sets


def _metadata(portal: Portal, versions: Versions) -> Mapping[str, Mapping[str, MetadataEntry]] | None:
    """Return the metadata by tenant and key; None if the portal's API has no metadata."""
    metadata: dict[str, dict[str, MetadataEntry]] = {}
    try:
        for entry in _items(portal, path("tenant-metadata"), "metadata"):
            entries = metadata.setdefault(entry["tenant"], {})
            entries[entry["key"]] = MetadataEntry(entry["kind"], entry["value"])
            versions.metadata[entry["tenant"], entry["key"]] = entry["version"]
    except NotFound:
        return None
    return metadata


def _tenant(
    row: Mapping[str, Any],
    members: Mapping[str, str],
    settings: Mapping[str, str],
    metadata: Mapping[str, MetadataEntry],
) -> Tenant:
    return Tenant(
        line=0,
        region=row["region"],
        role_arn=row["role_arn"],
        external_id=row["external_id"],
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
    answer = portal.call("GET", address, None, f"reading the state of {portal.origin}")
    content: dict[str, Any] = read_json(answer.body)
    return content
