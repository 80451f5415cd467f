"""The groups of a manifest, and the steps of `daypass apply` that bring those of a portal in line."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from daypass.cli.declarative.step import ADD, CHANGE, Facts, Step, address, difference, if_match, put, removal
from daypass.cli.runtime.errors import UsageError


@dataclass(frozen=True, slots=True)
class Membership:
    """The membership of a tenant that a group gives."""

    permission_set: str
    ends_at: str | None = None
    """A time in the form of `time_text`; None for no end."""

    def fields(self) -> Facts:
        """Return the fields as the file and the API have them."""
        fields = {"permission_set": self.permission_set}
        return fields if self.ends_at is None else fields | {"ends_at": self.ends_at}


@dataclass(frozen=True, slots=True)
class Group:
    """A group in the manifest; None for a field that it leaves out.

    Its name in the file is `NAME` for a local group, and `PROVIDER/NAME` for one of an identity provider.
    """

    line: int
    description: str | None = None
    value: str | None = None
    """The value of the claim; None for a local group, and for one of SCIM."""
    makes_administrators: bool | None = None
    members: Sequence[str] | None = None
    """The usernames, for a local group."""
    memberships: Mapping[str, Membership] | None = None
    """By the name of the tenant."""


@dataclass(slots=True)
class GroupVersions:
    """The id and version of each group, and the versions of the memberships that it gives."""

    ids: dict[str, str] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    memberships: dict[tuple[str, str], str] = field(default_factory=dict)
    provisioned: set[str] = field(default_factory=set)
    """The groups of SCIM, which only their provider creates and deletes."""


def time_text(text: str) -> str:
    """Return a time with a time zone in UTC, in whole seconds as the portal has it.

    Raises `ValueError` without a time zone.
    """
    parsed = datetime.fromisoformat(f"{text[:-1]}+00:00" if text.endswith(("Z", "z")) else text)
    if parsed.tzinfo is None:
        raise ValueError("no time zone")
    return parsed.astimezone(UTC).replace(microsecond=0).isoformat()


@dataclass(frozen=True, slots=True)
class GroupPlanner:
    """Makes the steps for the groups of the file *name*."""

    name: str
    wanted: Mapping[str, Group]
    existing: Mapping[str, Group] | None
    """None if the portal has no groups."""
    versions: GroupVersions
    usernames: frozenset[str]
    permission_sets: frozenset[str]
    tenants: frozenset[str]

    def steps(self) -> Iterator[Step]:
        """Yield the steps that create and change groups, their members and their memberships."""
        for key, wanted in self.wanted.items():
            if self.existing is None:
                raise UsageError(
                    f"{self.name}, line {wanted.line}: this portal does not support groups. Remove “{key}” "
                    "from the file, or have the portal updated."
                )
            self._check(key, wanted)
            old = self.existing.get(key)
            yield from self._created(key, wanted) if old is None else self._changed(key, wanted, old)
            old = old or Group(0)
            for user in wanted.members or ():
                if user not in (old.members or ()):
                    path = self._address(key, "members", user)
                    yield Step(ADD, f"member {user} of group {key}", {}, {}, "PUT", path, None, {})
            for tenant, membership in (wanted.memberships or {}).items():
                before = (old.memberships or {}).get(tenant)
                version = self.versions.memberships.get((key, tenant))
                subject, path = (
                    f"access of group {key} to {tenant}",
                    self._address(key, "memberships", tenant),
                )
                yield from put(
                    subject, path, None if before is None else before.fields(), membership.fields(), version
                )

    def removals(self) -> Iterator[Step]:
        """Yield the removal of what the file does not list: access, members, then groups."""
        for key, wanted in self.wanted.items():
            old = (self.existing or {}).get(key, Group(0))
            if wanted.memberships is not None:
                for tenant in old.memberships or {}:
                    if tenant not in wanted.memberships:
                        path = self._address(key, "memberships", tenant)
                        condition = if_match(self.versions.memberships[key, tenant])
                        yield removal(f"access of group {key} to {tenant}", path, condition)
            if wanted.members is not None:
                for user in old.members or ():
                    if user not in wanted.members:
                        path = self._address(key, "members", user)
                        yield removal(f"member {user} of group {key}", path, {})

    def unlisted(self) -> Iterator[Step]:
        """Yield the removal of the groups that the file does not list, except those of SCIM."""
        for key in self.existing or {}:
            if key not in self.wanted and key not in self.versions.provisioned:
                yield removal(f"group {key}", self._address(key), if_match(self.versions.groups[key]))

    def _check(self, key: str, group: Group) -> None:
        unknown = [("user", user) for user in group.members or () if user not in self.usernames]
        for tenant, membership in (group.memberships or {}).items():
            if tenant not in self.tenants:
                unknown.append(("tenant", tenant))
            if membership.permission_set not in self.permission_sets:
                unknown.append(("permission set", membership.permission_set))
        for what, name in unknown:
            raise UsageError(f"{self.name}, line {group.line}: there is no {what} “{name}” for “{key}”.")

    def _created(self, key: str, group: Group) -> Iterator[Step]:
        first, _, rest = key.partition("/")
        provider, name = (first, rest) if rest else ("", first)
        if provider and group.value is None:
            raise UsageError(
                f"{self.name}, line {group.line}: “{key}” needs the value of the claim. A group of SCIM is "
                "created by its provider."
            )
        fields = {
            "description": group.description,
            "provider": provider or None,
            "value": group.value,
            "makes_administrators": group.makes_administrators,
        }
        given = {field_: value for field_, value in fields.items() if value is not None}
        body = {"name": name, **given}
        yield Step(ADD, f"group {key}", {}, given, "POST", address("groups"), body, {})

    def _changed(self, key: str, group: Group, old: Group) -> Iterator[Step]:
        if group.value is not None and group.value != old.value:
            raise UsageError(
                f"{self.name}, line {group.line}: the value of “{key}” cannot be changed. Create a group "
                "with the new value under another name."
            )
        before, after = difference(_changeable(old), _changeable(group))
        if after:
            condition = if_match(self.versions.groups[key])
            yield Step(CHANGE, f"group {key}", before, after, "PATCH", self._address(key), after, condition)

    def _address(self, key: str, *parts: str) -> str:
        # A new group has no id yet; its name is unique unless a group of a provider has the same.
        return address("groups", self.versions.ids.get(key) or key.partition("/")[2] or key, *parts)


def group_fields(group: Group) -> dict[str, object]:
    """Return a group as the file has it, without what has its default."""
    fields: dict[str, object] = {}
    if group.description:
        fields["description"] = group.description
    if group.value is not None:
        fields["value"] = group.value
    if group.makes_administrators:
        fields["makes_administrators"] = True
    if group.members:
        fields["members"] = list(group.members)
    if group.memberships:
        fields["memberships"] = {
            tenant: each.permission_set if each.ends_at is None else dict(each.fields())
            for tenant, each in group.memberships.items()
        }
    return fields


def _changeable(group: Group) -> Facts:
    return {"description": group.description, "makes_administrators": group.makes_administrators}
