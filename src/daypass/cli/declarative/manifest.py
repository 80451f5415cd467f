"""The manifest of `daypass apply`: parsing it, with errors that name the line, and writing it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from daypass.cli.declarative import workload_rules
from daypass.cli.declarative.groups import Group, Membership, group_fields, time_text
from daypass.cli.declarative.permission_sets import BUILT_IN_SETS, PermissionSet, permission_set_fields
from daypass.cli.declarative.workload_rules import Rule
from daypass.cli.runtime.errors import UsageError
from daypass.common.usernames import canonical_username

if TYPE_CHECKING:
    from yaml.nodes import Node

ROLES = ("User", "Administrator")
PERSON, SERVICE = "person", "service"
SECTIONS = ("users", "permission_sets", "tenants", "groups", "settings", "workload_rules")
KINDS = ("text", "url", "aws_console")

SettingKey = tuple[str, str]
"""A system setting, by type and key."""


@dataclass(frozen=True, slots=True)
class User:
    """A user in the manifest; None for a field that it leaves out."""

    role: str | None = None
    disabled: bool | None = None
    owner: str | None = None
    """For a service account: the username of the person responsible."""
    description: str | None = None
    """For a service account: its purpose."""
    kind: str | None = None
    """`person` or `service`; the portal makes a new user without it a service account."""


@dataclass(frozen=True, slots=True)
class MetadataEntry:
    """A tenant's metadata entry."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant in the manifest; None for a field that it leaves out."""

    line: int
    region: str | None = None
    role_arn: str | None = None
    external_id: str | None = None
    members: Mapping[str, str] | None = None
    """The names of permission sets by username."""
    settings: Mapping[str, str] | None = None
    metadata: Mapping[str, MetadataEntry] | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """The content of a file; None for a section that it leaves out, which leaves the portal unchanged."""

    users: Mapping[str, User] | None = None
    tenants: Mapping[str, Tenant] | None = None
    settings: Mapping[SettingKey, str] | None = None
    permission_sets: Mapping[str, PermissionSet] | None = None
    """Without the built-in sets."""
    workload_rules: Mapping[str, Rule] | None = None
    groups: Mapping[str, Group] | None = None


@dataclass(frozen=True, slots=True)
class _Reader:
    """A parser of one file; errors are a `UsageError` that names the line."""

    name: str

    def manifest(self, text: str) -> Manifest:
        """Return the content of the file."""
        root = self._parse(text)
        if root is None:
            return Manifest()
        sections: dict[str, Any] = {}
        for key, node in self._fields(root, SECTIONS, "the file"):
            if key == "users":
                sections[key] = self._users(node)
            elif key == "permission_sets":
                sections[key] = {name: self._permission_set(name, each) for name, each in self._mapping(node)}
            elif key == "workload_rules":
                sections[key] = {name: self._workload_rule(rule) for name, rule in self._mapping(node)}
            elif key == "groups":
                sections[key] = {name: self._group(name, each) for name, each in self._mapping(node)}
            elif key == "tenants":
                sections[key] = {name: self._tenant(tenant) for name, tenant in self._mapping(node)}
            else:
                sections[key] = dict(self._system_settings(node))
        return Manifest(**sections)

    def _parse(self, text: str) -> "Node | None":
        import yaml

        try:
            # Composed and not loaded, because only nodes have line numbers and the text as it is written: 007
            # and 1.50 are texts to the portal.
            root: Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f", line {mark.line + 1}" if mark else ""
            problem = getattr(error, "problem", None) or "this is not YAML"
            raise UsageError(f"{self.name}{where}: {problem}.") from error
        return root

    def _users(self, node: "Node") -> Mapping[str, User]:
        users: dict[str, User] = {}
        for name, user in self._mapping(node):
            username = canonical_username(name)
            if username in users:
                raise self._error(user, f"“{username}” occurs twice")
            known = ("role", "kind", "disabled", "owner", "description")
            fields = {} if self._is_empty(user) else dict(self._fields(user, known, "a user"))
            role = self._text(fields["role"]) if "role" in fields else None
            if role is not None and role not in ROLES:
                raise self._error(fields["role"], f"a role is {' or '.join(ROLES)}")
            disabled = self._text(fields["disabled"]) if "disabled" in fields else None
            if disabled not in (None, "true", "false"):
                raise self._error(fields["disabled"], "disabled is true or false")
            texts = {
                key: self._text(fields[key]) for key in ("owner", "description", "kind") if key in fields
            }
            if texts.get("kind", PERSON) not in (PERSON, SERVICE):
                raise self._error(fields["kind"], f"a kind is {PERSON} or {SERVICE}")
            if "owner" in texts:
                texts["owner"] = canonical_username(texts["owner"])
            users[username] = User(role, None if disabled is None else disabled == "true", **texts)
        return users

    def _permission_set(self, name: str, node: "Node") -> PermissionSet:
        if name in BUILT_IN_SETS:
            raise self._error(node, f"“{name}” is a built-in permission set, which cannot be changed")
        known = ("description", "rank", "policies", "denies", "own_role")
        fields = {key: self._value(value) for key, value in self._fields(node, known, "a permission set")}
        rank = fields.pop("rank", "")
        if not (isinstance(rank, str) and rank.isascii() and rank.isdigit()):
            raise self._error(node, "a permission set needs a rank, a number from 1 to 999")
        for key in ("policies", "denies"):
            if not isinstance(fields.get(key, []), list):
                raise self._error(node, f"a list is expected in {key}")
        if not isinstance(fields.get("description", ""), str):
            raise self._error(node, "a text is expected in description")
        own_role = fields.pop("own_role", "false")
        if own_role not in ("true", "false"):
            raise self._error(node, "true or false is expected in own_role")
        if (own_role == "true") == bool(fields.get("policies") or fields.get("denies")):
            # The portal refuses it too, but after the steps before it were made.
            raise self._error(node, "a permission set has either policies and denies or own_role: true")
        return PermissionSet(int(rank), own_role=own_role == "true", **fields)

    def _workload_rule(self, node: "Node") -> Rule:
        nodes = dict(self._fields(node, workload_rules.FIELDS, "a workload rule"))
        for key in workload_rules.REQUIRED:
            if key not in nodes:
                raise self._error(node, f"a workload rule needs {key}")
        rule = {key: self._rule_field(key, value) for key, value in nodes.items()}
        for key in workload_rules.NUMBERS:
            text = str(rule.get(key, "0"))
            if not (text.isascii() and text.isdigit()):
                raise self._error(nodes[key], f"a number of seconds is expected in {key}")
            if key in rule:
                rule[key] = int(text)
        if rule.get("disabled", "false") not in ("true", "false"):
            raise self._error(nodes["disabled"], "disabled is true or false")
        return {**rule, "disabled": True} if rule.pop("disabled", "false") == "true" else rule

    def _rule_field(self, key: str, node: "Node") -> object:
        if key in workload_rules.MAPPINGS:
            return {name: self._text(each) for name, each in self._mapping(node)}
        if key == "jwks":
            return self._json(node)
        text = self._text(node)
        return canonical_username(text) if key == "service_account" else text

    def _group(self, name: str, node: "Node") -> Group:
        line = node.start_mark.line + 1
        if self._is_empty(node):
            return Group(line)
        known = ("description", "value", "makes_administrators", "members", "memberships")
        fields = dict(self._fields(node, known, "a group"))
        makes = self._text(fields["makes_administrators"]) if "makes_administrators" in fields else None
        if makes not in (None, "true", "false"):
            raise self._error(fields["makes_administrators"], "makes_administrators is true or false")
        if "members" in fields and "/" in name:
            raise self._error(fields["members"], "the members of a provider's group come from the provider")
        if "value" in fields and "/" not in name:
            raise self._error(fields["value"], "a group with a value is written PROVIDER/NAME")
        memberships = {
            tenant: self._group_membership(each) for tenant, each in self._mapping(fields.get("memberships"))
        }
        return Group(
            line,
            description=self._text(fields["description"]) if "description" in fields else None,
            value=self._text(fields["value"]) if "value" in fields else None,
            makes_administrators=None if makes is None else makes == "true",
            members=self._usernames(fields["members"]) if "members" in fields else None,
            memberships=memberships if "memberships" in fields else None,
        )

    def _usernames(self, node: "Node") -> Sequence[str]:
        if self._is_empty(node):
            return ()
        if node.tag != "tag:yaml.org,2002:seq" or not isinstance(node.value, list):
            raise self._error(node, "a list of usernames is expected here")
        return tuple(canonical_username(self._text(each)) for each in node.value)

    def _group_membership(self, node: "Node") -> Membership:
        """Return a membership from the name of a permission set, or from a mapping with an end."""
        if isinstance(node.value, str):
            return Membership(self._text(node))
        fields = dict(self._fields(node, ("permission_set", "ends_at"), "a membership of a group"))
        permission_set = self._text(fields["permission_set"]) if "permission_set" in fields else "full"
        if "ends_at" not in fields:
            return Membership(permission_set)
        try:
            return Membership(permission_set, time_text(self._text(fields["ends_at"])))
        except ValueError:
            problem = "a time with a time zone is expected, such as 2027-06-30T18:00:00Z"
            raise self._error(fields["ends_at"], problem) from None

    def _value(self, node: "Node") -> Any:  # noqa: ANN401  JSON of any shape
        """Return nested lists and mappings of texts: IAM has no other scalars."""
        if node.tag == "tag:yaml.org,2002:map":
            return {key: self._value(value) for key, value in self._mapping(node)}
        if isinstance(node.value, list):
            return [self._value(each) for each in node.value]
        return self._text(node)

    def _json(self, node: "Node") -> Any:  # noqa: ANN401  JSON of any shape
        """Return nested lists and mappings, with numbers, booleans and null as JSON has them."""
        import yaml

        try:
            value = yaml.SafeLoader("").construct_document(node)
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError, LookupError, AttributeError, RecursionError, yaml.YAMLError):
            # YAML has dates, binary data, tags and anchors to itself, too. Its loader leaves the errors of
            # wrong ones as they are: `!!bool x` is a KeyError, `!!timestamp x` an AttributeError.
            raise self._error(node, "a value of JSON is expected here") from None
        return value

    def _tenant(self, node: "Node") -> Tenant:
        line = node.start_mark.line + 1
        if self._is_empty(node):
            return Tenant(line)
        texts, inner = ("region", "role_arn", "external_id"), ("members", "settings", "metadata")
        fields = dict(self._fields(node, (*texts, *inner), "a tenant"))
        members = {
            canonical_username(name): self._text(permission_set)
            for name, permission_set in self._mapping(fields.get("members"))
        }
        settings = {key: self._text(value) for key, value in self._entries(fields.get("settings"))}
        metadata = {key: self._metadata_entry(entry) for key, entry in self._entries(fields.get("metadata"))}
        return Tenant(
            line,
            members=members if "members" in fields else None,
            settings=settings if "settings" in fields else None,
            metadata=metadata if "metadata" in fields else None,
            **{key: self._text(fields[key]) for key in texts if key in fields},
        )

    def _metadata_entry(self, node: "Node") -> MetadataEntry:
        """Return an entry from a text, or from a mapping with kind and value."""
        if isinstance(node.value, str):
            return MetadataEntry(KINDS[0], self._text(node))
        fields = dict(self._fields(node, ("kind", "value"), "a metadata entry"))
        kind = self._text(fields["kind"]) if "kind" in fields else KINDS[0]
        if kind not in KINDS:
            raise self._error(fields["kind"], f"a kind is {', '.join(KINDS[:-1])} or {KINDS[-1]}")
        if "value" not in fields:
            raise self._error(node, "a value is missing here")
        return MetadataEntry(kind, self._text(fields["value"]))

    def _system_settings(self, node: "Node") -> Iterator[tuple[SettingKey, str]]:
        for type_, settings in self._mapping(node):
            for key, value in self._entries(settings):
                yield (type_, key), self._text(value)

    def _fields(self, node: "Node", known: tuple[str, ...], subject: str) -> Iterator[tuple[str, "Node"]]:
        for key, value in self._mapping(node):
            if key not in known:
                problem = f"“{key}” is not known here; {subject} has {', '.join(known)}"
                raise self._error(value, problem)
            yield key, value

    def _entries(self, node: "Node | None") -> Iterator[tuple[str, "Node"]]:
        """Yield keys and values; raises `UsageError` for a key that URL normalization would change."""
        for key, value in self._mapping(node):
            if key.startswith("/") or "//" in key:
                raise self._error(value, f"“{key}”: a key begins with no slash, and has no two in a row")
            yield key, value

    def _mapping(self, node: "Node | None") -> Iterator[tuple[str, "Node"]]:
        """Yield names and values of a mapping; an absent or empty node has none."""
        if node is None or self._is_empty(node):
            return
        if not isinstance(node.value, list) or node.tag != "tag:yaml.org,2002:map":
            raise self._error(node, "a mapping (name: value) is expected here")
        seen: set[str] = set()
        for key_node, value in node.value:
            key = self._text(key_node)
            if key in seen:
                raise self._error(key_node, f"“{key}” occurs twice")
            seen.add(key)
            yield key, value

    def _text(self, node: "Node") -> str:
        """Return a scalar as it is written; the portal's values are text, also numbers and booleans."""
        if not isinstance(node.value, str) or node.tag == "tag:yaml.org,2002:null":
            raise self._error(node, "a single value is expected here")
        text = str(node.value)
        # YAML has True and TRUE too, and the portal writes true.
        return text.lower() if node.tag == "tag:yaml.org,2002:bool" else text

    def _is_empty(self, node: "Node") -> bool:
        return bool(node.tag == "tag:yaml.org,2002:null")

    def _error(self, node: "Node", problem: str) -> UsageError:
        return UsageError(f"{self.name}, line {node.start_mark.line + 1}: {problem}.")


def read(text: str, name: str) -> Manifest:
    """Parse the file *name*; raises `UsageError` with the line of an error."""
    return _Reader(name).manifest(text)


def write(manifest: Manifest) -> str:
    """Return the manifest as YAML."""
    import yaml

    whole: dict[str, Any] = {}
    if manifest.users is not None:
        whole["users"] = {name: _user(user) for name, user in manifest.users.items()}
    if manifest.permission_sets:
        sets = manifest.permission_sets.items()
        whole["permission_sets"] = {name: permission_set_fields(each) for name, each in sets}
    if manifest.tenants is not None:
        whole["tenants"] = {name: _tenant(tenant) for name, tenant in manifest.tenants.items()}
    if manifest.groups:
        whole["groups"] = {name: group_fields(group) for name, group in manifest.groups.items()}
    if manifest.settings is not None:
        by_type: dict[str, dict[str, object]] = {}
        for (type_, key), value in manifest.settings.items():
            by_type.setdefault(type_, {})[key] = _scalar(value)
        whole["settings"] = by_type
    if manifest.workload_rules:
        rules = manifest.workload_rules.items()
        whole["workload_rules"] = {name: workload_rules.written(rule) for name, rule in rules}
    # By default PyYAML breaks long values into several lines, and escapes characters beyond ASCII.
    return str(yaml.safe_dump(whole, sort_keys=False, allow_unicode=True, width=1000))


def _user(user: User) -> dict[str, object]:
    fields: dict[str, object] = {"role": user.role}
    if user.kind == PERSON:
        fields["kind"] = PERSON
    if user.disabled:
        fields["disabled"] = True
    described = {"owner": user.owner, "description": user.description}
    return fields | {name: text for name, text in described.items() if text}


def _tenant(tenant: Tenant) -> dict[str, object]:
    settings = {key: _scalar(value) for key, value in (tenant.settings or {}).items()}
    metadata = {key: _metadata_value(entry) for key, entry in (tenant.metadata or {}).items()}
    return {
        "region": tenant.region,
        "role_arn": tenant.role_arn,
        "external_id": tenant.external_id,
        "members": dict(tenant.members or {}),
        "settings": settings,
        "metadata": metadata,
    }


def _metadata_value(entry: MetadataEntry) -> object:
    value = _scalar(entry.value)
    return value if entry.kind == KINDS[0] else {"kind": entry.kind, "value": value}


def _scalar(value: str) -> object:
    """Return a boolean or a number if YAML reads it back as the same text, so that it needs no quotes."""
    if value in {"true", "false"}:
        return value == "true"
    return int(value) if value.isascii() and value.isdigit() and str(int(value)) == value else value
