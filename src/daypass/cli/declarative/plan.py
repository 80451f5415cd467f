"""The plan of `daypass apply`: the steps from the portal's state to the manifest, in a valid order."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TypeVar

from daypass.cli.declarative import workload_rules
from daypass.cli.declarative.groups import GroupPlanner
from daypass.cli.declarative.live_state import LiveState, path
from daypass.cli.declarative.manifest import PERSON, SERVICE, Manifest, Tenant, User
from daypass.cli.declarative.permission_sets import BUILT_IN_SETS, permission_set_fields
from daypass.cli.declarative.step import ADD, CHANGE, REMOVE, Facts, Step, difference, if_match, put, removal
from daypass.cli.runtime.errors import UsageError

__all__ = ["ADD", "CHANGE", "REMOVE", "Plan", "Step", "plan"]

_ROLE_MAXIMUM = ("AppConfig", "MaximumSessionDuration")
"""The limit of every tenant's maximum: it is raised before theirs and lowered after them."""

_KINDS = {PERSON: "person", SERVICE: "service account"}

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps, and the number of the portal's objects that the manifest does not list."""

    steps: Sequence[Step]
    unlisted: int

    def count(self, sign: str) -> int:
        """Return the number of steps with the sign."""
        return sum(step.sign is sign for step in self.steps)


@dataclass(frozen=True, slots=True)
class _Planner:
    name: str
    desired: Manifest
    live: LiveState

    def plan(self, *, prune: bool) -> Plan:
        # Rights are extended before the steps that may need them, and reduced after all others, so that the
        # caller's own step down from Administrator does not stop the rest.
        last = [step for step in self._users() if step.before and not _grants_more(step)]
        first = [step for step in self._users() if step not in last]
        settings = list(self._system_settings())
        lowered = [step for step in settings if _lowers_maximum(step)]
        removed = list(self._removals())
        steps = [
            *first,
            *self._permission_sets(),
            *self._tenants(),
            *(step for step in settings if step not in lowered),
            *self._tenant_settings(),
            *self._metadata(),
            *self._members(),
            # Before the rules: a service account may have a tenant by a group only.
            *self._groups.steps(),
            *self._workload_rules(),
            *lowered,
            *(removed if prune else ()),
            *last,
        ]
        return Plan(steps, 0 if prune else len(removed))

    def _users(self) -> Iterator[Step]:
        existing = self.live.manifest.users or {}
        # Owners before the service accounts that name them.
        desired = sorted((self.desired.users or {}).items(), key=lambda user: bool(user[1].owner))
        for name, wanted in desired:
            old = existing.get(name)
            if old is None:
                kind = {} if wanted.kind is None else {"kind": wanted.kind}
                facts = {"role": wanted.role or "User", **kind, **_description(wanted)}
                body = {"username": name, **facts}
                yield Step(ADD, f"user {name}", {}, facts, "POST", path("users"), body, {})
                if wanted.disabled:
                    # The step before creates the user, so the version is not known when the plan is made.
                    yield self._user_changed(name, {"disabled": False}, {"disabled": True}, "*")
                continue
            if wanted.kind is not None and old.kind not in (None, wanted.kind):
                raise UsageError(
                    f"{self.name}: “{name}” is a {_KINDS[old.kind]}, which cannot be changed. Remove its "
                    "kind from the file, or choose another name."
                )
            before, after = difference(_user_fields(old), _user_fields(wanted))
            if after:
                yield self._user_changed(name, before, after, self.live.versions.users[name])

    def _user_changed(self, name: str, before: Facts, after: Facts, version: str) -> Step:
        return Step(
            CHANGE, f"user {name}", before, after, "PATCH", path("users", name), after, if_match(version)
        )

    def _tenants(self) -> Iterator[Step]:
        existing = self.live.manifest.tenants or {}
        for name, wanted in (self.desired.tenants or {}).items():
            old, fields = existing.get(name), _tenant_fields(wanted)
            if old is None:
                if wanted.region is None:
                    raise UsageError(
                        f"{self.name}, line {wanted.line}: the new tenant “{name}” needs a region."
                    )
                yield Step(
                    ADD, f"tenant {name}", {}, fields, "POST", path("tenants"), {"name": name, **fields}, {}
                )
                continue
            before, after = difference(_tenant_fields(old), fields)
            if after:
                match = if_match(self.live.versions.tenants[name])
                subject = f"tenant {name}"
                yield Step(CHANGE, subject, before, after, "PATCH", path("tenants", name), after, match)

    def _permission_sets(self) -> Iterator[Step]:
        existing = self.live.manifest.permission_sets
        for name, wanted in (self.desired.permission_sets or {}).items():
            if existing is None:
                raise UsageError(
                    f"{self.name}: this portal does not support permission sets. Remove “{name}” from the "
                    "file, or have the portal updated."
                )
            old = permission_set_fields(existing[name]) if name in existing else None
            # PUT replaces the whole set, so a field that the file leaves out gets its default.
            new, version = permission_set_fields(wanted), self.live.versions.permission_sets.get(name)
            yield from put(f"permission set {name}", path("permission-sets", name), old, new, version)

    def _workload_rules(self) -> Iterator[Step]:
        existing = self.live.manifest.workload_rules
        for name, wanted in (self.desired.workload_rules or {}).items():
            if existing is None:
                raise UsageError(
                    f"{self.name}: this portal does not support workload rules. Remove “{name}” from the "
                    "file, or have the portal updated."
                )
            old, version = existing.get(name), self.live.versions.workload_rules.get(name)
            address = path("workload-rules", name)
            yield from put(
                f"workload rule {name}", address, old, workload_rules.complete(wanted, old), version
            )

    def _system_settings(self) -> Iterator[Step]:
        existing, versions = self.live.manifest.settings or {}, self.live.versions.settings
        for (type_, key), value in (self.desired.settings or {}).items():
            address, setting = path("settings", type_, key), (type_, key)
            old = _field("value", existing.get(setting))
            subject, version = f"setting {type_} {key}", versions.get(setting)
            yield from put(subject, address, old, {"value": value}, version)

    def _tenant_settings(self) -> Iterator[Step]:
        for name, wanted in (self.desired.tenants or {}).items():
            old = self._existing(name).settings or {}
            for key, value in (wanted.settings or {}).items():
                version = self.live.versions.tenant_settings.get((name, key))
                address = path("tenants", name, "settings", key)
                subject, before = f"setting {key} of {name}", _field("value", old.get(key))
                yield from put(subject, address, before, {"value": value}, version)

    def _metadata(self) -> Iterator[Step]:
        for name, wanted in (self.desired.tenants or {}).items():
            old = self._existing(name).metadata or {}
            if wanted.metadata and not self.live.supports_metadata:
                raise UsageError(
                    f"{self.name}, line {wanted.line}: this portal does not support metadata. "
                    f"Remove the metadata of “{name}” from the file, or have the portal updated."
                )
            for key, entry in (wanted.metadata or {}).items():
                version = self.live.versions.metadata.get((name, key))
                address = path("tenants", name, "metadata", key)
                before = asdict(old[key]) if key in old else None
                yield from put(f"metadata {key} of {name}", address, before, asdict(entry), version)

    def _members(self) -> Iterator[Step]:
        usernames = {*(self.live.manifest.users or {}), *(self.desired.users or {})}
        live_sets, desired_sets = self.live.manifest.permission_sets or {}, self.desired.permission_sets or {}
        sets = {*BUILT_IN_SETS, *live_sets, *desired_sets}
        for name, wanted in (self.desired.tenants or {}).items():
            old = self._existing(name).members or {}
            for user, permission_set in (wanted.members or {}).items():
                if user not in usernames:
                    raise UsageError(
                        f"{self.name}, line {wanted.line}: there is no user “{user}” for “{name}”."
                    )
                if permission_set not in sets:
                    raise UsageError(
                        f"{self.name}, line {wanted.line}: there is no permission set “{permission_set}” for "
                        f"“{user}” in “{name}”. The sets are {', '.join(sorted(sets))}."
                    )
                version = self.live.versions.members.get((name, user))
                address = path("tenants", name, "members", user)
                subject, old_set = f"member {user} of {name}", old.get(user)
                # An older portal knows the built-in sets by this field.
                field = "access" if permission_set in BUILT_IN_SETS else "permission_set"
                yield from put(subject, address, _field(field, old_set), {field: permission_set}, version)

    def _removed_rules(self) -> Iterator[Step]:
        versions = self.live.versions.workload_rules
        for name in _unlisted(self.live.manifest.workload_rules, self.desired.workload_rules):
            yield removal(f"workload rule {name}", path("workload-rules", name), if_match(versions[name]))

    def _removals(self) -> Iterator[Step]:
        """Yield the removal of everything that the manifest's sections do not list, children first."""
        existing, versions, wanted = self.live.manifest, self.live.versions, self.desired
        yield from self._removed_rules()
        yield from self._groups.removals()
        if wanted.groups is not None:
            yield from self._groups.unlisted()
        for name, tenant in (wanted.tenants or {}).items():
            old = self._existing(name)
            for user in _unlisted(old.members, tenant.members):
                address, match = (
                    path("tenants", name, "members", user),
                    if_match(versions.members[name, user]),
                )
                yield removal(f"member {user} of {name}", address, match)
            for key in _unlisted(old.settings, tenant.settings):
                address = path("tenants", name, "settings", key)
                yield removal(
                    f"setting {key} of {name}", address, if_match(versions.tenant_settings[name, key])
                )
            for key in _unlisted(old.metadata, tenant.metadata):
                address, match = (
                    path("tenants", name, "metadata", key),
                    if_match(versions.metadata[name, key]),
                )
                yield removal(f"metadata {key} of {name}", address, match)
        for type_, key in _unlisted(existing.settings, wanted.settings):
            match = if_match(versions.settings[type_, key])
            yield removal(f"setting {type_} {key}", path("settings", type_, key), match)
        for name in _unlisted(existing.tenants, wanted.tenants):
            yield removal(f"tenant {name}", path("tenants", name), if_match(versions.tenants[name]))
        for name in _unlisted(existing.users, wanted.users):
            yield removal(f"user {name}", path("users", name), if_match(versions.users[name]))
        # Last, because the portal keeps a set while a member of any tenant has it.
        for name in _unlisted(existing.permission_sets, wanted.permission_sets):
            address, match = path("permission-sets", name), if_match(versions.permission_sets[name])
            yield removal(f"permission set {name}", address, match)

    @property
    def _groups(self) -> GroupPlanner:
        live, desired = self.live.manifest, self.desired
        sets = {*BUILT_IN_SETS, *(live.permission_sets or {}), *(desired.permission_sets or {})}
        return GroupPlanner(
            name=self.name,
            wanted=desired.groups or {},
            existing=live.groups,
            versions=self.live.versions.groups,
            usernames=frozenset({*(live.users or {}), *(desired.users or {})}),
            permission_sets=frozenset(sets),
            tenants=frozenset({*(live.tenants or {}), *(desired.tenants or {})}),
        )

    def _existing(self, tenant: str) -> Tenant:
        return (self.live.manifest.tenants or {}).get(tenant, Tenant(0))


def plan(name: str, desired: Manifest, live: LiveState, *, prune: bool) -> Plan:
    """Return the steps from *live* to the file *name*; with *prune*, also the removal of everything else."""
    return _Planner(name, desired, live).plan(prune=prune)


def _user_fields(user: User) -> Facts:
    return {"role": user.role, "disabled": user.disabled, **_description(user)}


def _description(user: User) -> Facts:
    described = {"owner": user.owner, "description": user.description}
    return {name: text for name, text in described.items() if text is not None}


def _tenant_fields(tenant: Tenant) -> Facts:
    fields = {"region": tenant.region, "role_arn": tenant.role_arn, "external_id": tenant.external_id}
    return {name: value for name, value in fields.items() if value is not None}


def _field(name: str, value: str | None) -> Facts | None:
    return None if value is None else {name: value}


def _unlisted(existing: Mapping[Key, object] | None, wanted: Mapping[Key, object] | None) -> Sequence[Key]:
    """Return the keys that a section of the manifest does not list; none if it has no such section."""
    return [] if wanted is None else [key for key in existing or {} if key not in wanted]


def _grants_more(step: Step) -> bool:
    """Return whether the step grants rights; others come last, since they may concern the caller."""
    return step.after.get("role") == "Administrator" or step.after.get("disabled") is False


def _lowers_maximum(step: Step) -> bool:
    if step.path != path("settings", *_ROLE_MAXIMUM) or step.sign is not CHANGE:
        return False
    old, new = str(step.before["value"]), str(step.after["value"])
    return old.isdigit() and new.isdigit() and int(new) < int(old)
