"""Users, tenants and all about them in a file: what it says, line by line, and how it is written."""

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from daypass.cli.runtime.errors import UsageError

if TYPE_CHECKING:
    from yaml.nodes import Node

ROLES = ("User", "Administrator")
ACCESSES = ("full", "read-only")
KINDS = ("text", "url", "aws_console")

SettingKey = tuple[str, str]
"""A setting of the system: its type and its key."""


@dataclass(frozen=True, slots=True)
class User:
    """A user as the file wants them; None is not said."""

    role: str | None = None
    disabled: bool | None = None


@dataclass(frozen=True, slots=True)
class MetadataEntry:
    """What is noted about a tenant under one key."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant as the file wants it; None is not said."""

    line: int
    region: str | None = None
    role_arn: str | None = None
    external_id: str | None = None
    members: Mapping[str, str] | None = None
    """How much each may use, by username."""
    settings: Mapping[str, str] | None = None
    metadata: Mapping[str, MetadataEntry] | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """All that a file says; a section that is not there says nothing about what is in the portal."""

    users: Mapping[str, User] | None = None
    tenants: Mapping[str, Tenant] | None = None
    settings: Mapping[SettingKey, str] | None = None


def canonical(username: str) -> str:
    """The spelling by which the portal knows a user."""
    folded = unicodedata.normalize("NFKC", username).casefold()
    return unicodedata.normalize("NFKC", folded).strip()


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one file; whatever is wrong is a Misused that names the line."""

    name: str

    def manifest(self, text: str) -> Manifest:
        """The whole of it."""
        root = self._parse(text)
        if root is None:
            return Manifest()
        read: dict[str, Any] = {}
        for key, node in self._fields(root, ("users", "tenants", "settings"), "the file"):
            if key == "users":
                read[key] = self._users(node)
            elif key == "tenants":
                read[key] = {name: self._tenant(one) for name, one in self._mapping(node)}
            else:
                read[key] = dict(self._system_settings(node))
        return Manifest(**read)

    def _parse(self, text: str) -> "Node | None":
        import yaml

        try:
            root: Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f", line {mark.line + 1}" if mark else ""
            problem = getattr(error, "problem", None) or "this is no YAML"
            raise UsageError(f"{self.name}{where}: {problem}.") from error
        return root

    def _users(self, node: "Node") -> Mapping[str, User]:
        users: dict[str, User] = {}
        for name, one in self._mapping(node):
            username = canonical(name)
            if username in users:
                raise self._error(one, f"“{username}” is there twice")
            fields = {} if self._is_empty(one) else dict(self._fields(one, ("role", "disabled"), "a user"))
            role = self._text(fields["role"]) if "role" in fields else None
            if role is not None and role not in ROLES:
                raise self._error(fields["role"], f"a role is {' or '.join(ROLES)}")
            disabled = self._text(fields["disabled"]) if "disabled" in fields else None
            if disabled not in (None, "true", "false"):
                raise self._error(fields["disabled"], "disabled is true or false")
            users[username] = User(role, None if disabled is None else disabled == "true")
        return users

    def _tenant(self, node: "Node") -> Tenant:
        line = node.start_mark.line + 1
        if self._is_empty(node):
            return Tenant(line)
        texts, inner = ("region", "role_arn", "external_id"), ("members", "settings", "metadata")
        fields = dict(self._fields(node, (*texts, *inner), "a tenant"))
        members = {canonical(name): self._access(one) for name, one in self._mapping(fields.get("members"))}
        settings = {key: self._text(one) for key, one in self._entries(fields.get("settings"))}
        metadata = {key: self._metadata_entry(one) for key, one in self._entries(fields.get("metadata"))}
        return Tenant(
            line,
            members=members if "members" in fields else None,
            settings=settings if "settings" in fields else None,
            metadata=metadata if "metadata" in fields else None,
            **{key: self._text(fields[key]) for key in texts if key in fields},
        )

    def _metadata_entry(self, node: "Node") -> MetadataEntry:
        """A text, or a kind and a value."""
        if isinstance(node.value, str):
            return MetadataEntry(KINDS[0], self._text(node))
        fields = dict(self._fields(node, ("kind", "value"), "what is noted"))
        kind = self._text(fields["kind"]) if "kind" in fields else KINDS[0]
        if kind not in KINDS:
            raise self._error(fields["kind"], f"a kind is {', '.join(KINDS[:-1])} or {KINDS[-1]}")
        if "value" not in fields:
            raise self._error(node, "a value belongs here")
        return MetadataEntry(kind, self._text(fields["value"]))

    def _access(self, node: "Node") -> str:
        access = self._text(node)
        if access not in ACCESSES:
            raise self._error(node, f"access is {' or '.join(ACCESSES)}")
        return access

    def _system_settings(self, node: "Node") -> Iterator[tuple[SettingKey, str]]:
        for type_, of_type in self._mapping(node):
            for key, value in self._entries(of_type):
                yield (type_, key), self._text(value)

    def _fields(self, node: "Node", known: tuple[str, ...], what: str) -> Iterator[tuple[str, "Node"]]:
        for key, value in self._mapping(node):
            if key not in known:
                problem = f"“{key}” is not known here; {what} has {', '.join(known)}"
                raise self._error(value, problem)
            yield key, value

    def _entries(self, node: "Node | None") -> Iterator[tuple[str, "Node"]]:
        """What is under each key; the portal keeps nothing under one that a path makes another of."""
        for key, value in self._mapping(node):
            if key.startswith("/") or "//" in key:
                raise self._error(value, f"“{key}”: a key begins with no slash, and has no two in a row")
            yield key, value

    def _mapping(self, node: "Node | None") -> Iterator[tuple[str, "Node"]]:
        """What is under each name; nothing where nothing is written."""
        if node is None or self._is_empty(node):
            return
        if not isinstance(node.value, list) or node.tag != "tag:yaml.org,2002:map":
            raise self._error(node, "names with a colon belong here")
        seen: set[str] = set()
        for key_node, value in node.value:
            key = self._text(key_node)
            if key in seen:
                raise self._error(key_node, f"“{key}” is there twice")
            seen.add(key)
            yield key, value

    def _text(self, node: "Node") -> str:
        """A value as it is written: numbers and true are no less text to the portal than words are."""
        if not isinstance(node.value, str) or node.tag == "tag:yaml.org,2002:null":
            raise self._error(node, "a single value belongs here")
        written = str(node.value)
        return written.lower() if node.tag == "tag:yaml.org,2002:bool" else written

    def _is_empty(self, node: "Node") -> bool:
        return bool(node.tag == "tag:yaml.org,2002:null")

    def _error(self, node: "Node", problem: str) -> UsageError:
        return UsageError(f"{self.name}, line {node.start_mark.line + 1}: {problem}.")


def read(text: str, name: str) -> Manifest:
    """What a file says; raises `UsageError` with the line where it cannot be understood."""
    return _Reader(name).manifest(text)


def write(manifest: Manifest) -> str:
    """A file that says all of that."""
    import yaml

    whole: dict[str, Any] = {}
    if manifest.users is not None:
        whole["users"] = {name: _user(user) for name, user in manifest.users.items()}
    if manifest.tenants is not None:
        whole["tenants"] = {name: _tenant(tenant) for name, tenant in manifest.tenants.items()}
    if manifest.settings is not None:
        by_type: dict[str, dict[str, object]] = {}
        for (type_, key), value in manifest.settings.items():
            by_type.setdefault(type_, {})[key] = _scalar(value)
        whole["settings"] = by_type
    return str(yaml.safe_dump(whole, sort_keys=False, allow_unicode=True, width=1000))


def _user(user: User) -> dict[str, object]:
    said: dict[str, object] = {"role": user.role}
    return {**said, "disabled": True} if user.disabled else said


def _tenant(tenant: Tenant) -> dict[str, object]:
    settings = {key: _scalar(value) for key, value in (tenant.settings or {}).items()}
    metadata = {key: _metadata_value(note) for key, note in (tenant.metadata or {}).items()}
    return {
        "region": tenant.region,
        "role_arn": tenant.role_arn,
        "external_id": tenant.external_id,
        "members": dict(tenant.members or {}),
        "settings": settings,
        "metadata": metadata,
    }


def _metadata_value(note: MetadataEntry) -> object:
    value = _scalar(note.value)
    return value if note.kind == KINDS[0] else {"kind": note.kind, "value": value}


def _scalar(value: str) -> object:
    """A value without quotes, where it is read as the same text again."""
    if value in {"true", "false"}:
        return value == "true"
    return int(value) if value.isascii() and value.isdigit() and str(int(value)) == value else value
