"""The plan of `daypass apply`: the steps from the portal's state to the manifest, in a valid order."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TypeVar

from daypass.cli.declarative import workload_rules
from daypass.cli.declarative.live_state import LiveState, path
from daypass.cli.declarative.manifest import BUILT_IN_SETS, Manifest, Tenant, User, permission_set_fields
from daypass.cli.runtime.errors import UsageError

ADD, CHANGE, REMOVE = "+", "~", "-"

_ROLE_MAXIMUM = ("AppConfig", "MaximumSessionDuration")
"""The limit of every tenant's maximum: it is raised before theirs and lowered after them."""

_NEW = {"If-None-Match": "*"}

Facts = Mapping[str, object]

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Step:
    """A change, and the API call that makes it."""

    sign: str
    subject: str
    before: Facts
    after: Facts
    method: str
    path: str
    body: Facts | None
    condition: Mapping[str, str]

    def lines(self) -> Iterator[str]:
        """Yield the differences, one line for each field."""
        for name in {**self.before, **self.after}:
            old, new = _shown(self.before.get(name)), _shown(self.after.get(name))
            if self.sign is CHANGE:
                yield f"{name}: {old} → {new}"
            else:
                yield f"{name}: {old if self.sign is REMOVE else new}"


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
                facts = {"role": wanted.role or "User", **_description(wanted)}
                body = {"username": name, **facts}
                yield Step(ADD, f"user {name}", {}, facts, "POST", path("users"), body, {})
                if wanted.disabled:
                    # The step before creates the user, so the version is not known when the plan is made.
                    yield self._user_changed(name, {"disabled": False}, {"disabled": True}, "*")
                continue
            before, after = _difference(_user_fields(old), _user_fields(wanted))
            if after:
                yield self._user_changed(name, before, after, self.live.versions.users[name])

    def _user_changed(self, name: str, before: Facts, after: Facts, version: str) -> Step:
        return Step(
            CHANGE, f"user {name}", before, after, "PATCH", path("users", name), after, _match(version)
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
            before, after = _difference(_tenant_fields(old), fields)
            if after:
                match = _match(self.live.versions.tenants[name])
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
            yield from _put(f"permission set {name}", path("permission-sets", name), old, new, version)

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
            yield from _put(
                f"workload rule {name}", address, old, workload_rules.complete(wanted, old), version
            )

    def _system_settings(self) -> Iterator[Step]:
        existing, versions = self.live.manifest.settings or {}, self.live.versions.settings
        for (type_, key), value in (self.desired.settings or {}).items():
            address, setting = path("settings", type_, key), (type_, key)
            old = _field("value", existing.get(setting))
            subject, version = f"setting {type_} {key}", versions.get(setting)
            yield from _put(subject, address, old, {"value": value}, version)

    def _tenant_settings(self) -> Iterator[Step]:
        for name, wanted in (self.desired.tenants or {}).items():
            old = self._existing(name).settings or {}
            for key, value in (wanted.settings or {}).items():
                version = self.live.versions.tenant_settings.get((name, key))
                address = path("tenants", name, "settings", key)
                subject, before = f"setting {key} of {name}", _field("value", old.get(key))
                yield from _put(subject, address, before, {"value": value}, version)

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
                yield from _put(f"metadata {key} of {name}", address, before, asdict(entry), version)

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
                yield from _put(subject, address, _field(field, old_set), {field: permission_set}, version)

    def _removals(self) -> Iterator[Step]:
        """Yield the removal of everything that the manifest's sections do not list, children first."""
        existing, versions, wanted = self.live.manifest, self.live.versions, self.desired
        for name in _unlisted(existing.workload_rules, wanted.workload_rules):
            match = _match(versions.workload_rules[name])
            yield _removal(f"workload rule {name}", path("workload-rules", name), match)
        for name, tenant in (wanted.tenants or {}).items():
            old = self._existing(name)
            for user in _unlisted(old.members, tenant.members):
                address, match = path("tenants", name, "members", user), _match(versions.members[name, user])
                yield _removal(f"member {user} of {name}", address, match)
            for key in _unlisted(old.settings, tenant.settings):
                address = path("tenants", name, "settings", key)
                yield _removal(
                    f"setting {key} of {name}", address, _match(versions.tenant_settings[name, key])
                )
            for key in _unlisted(old.metadata, tenant.metadata):
                address, match = path("tenants", name, "metadata", key), _match(versions.metadata[name, key])
                yield _removal(f"metadata {key} of {name}", address, match)
        for type_, key in _unlisted(existing.settings, wanted.settings):
            match = _match(versions.settings[type_, key])
            yield _removal(f"setting {type_} {key}", path("settings", type_, key), match)
        for name in _unlisted(existing.tenants, wanted.tenants):
            yield _removal(f"tenant {name}", path("tenants", name), _match(versions.tenants[name]))
        for name in _unlisted(existing.users, wanted.users):
            yield _removal(f"user {name}", path("users", name), _match(versions.users[name]))
        # Last, because the portal keeps a set while a member of any tenant has it.
        for name in _unlisted(existing.permission_sets, wanted.permission_sets):
            address, match = path("permission-sets", name), _match(versions.permission_sets[name])
            yield _removal(f"permission set {name}", address, match)

    def _existing(self, tenant: str) -> Tenant:
        return (self.live.manifest.tenants or {}).get(tenant, Tenant(0))


def plan(name: str, desired: Manifest, live: LiveState, *, prune: bool) -> Plan:
    """Return the steps from *live* to the file *name*; with *prune*, also the removal of everything else."""
    return _Planner(name, desired, live).plan(prune=prune)


def _shown(value: object) -> object:
    """Return a list, an object, true or false as in JSON; other values as they are."""
    return json.dumps(value) if isinstance(value, list | dict | bool) else value


def _user_fields(user: User) -> Facts:
    return {"role": user.role, "disabled": user.disabled, **_description(user)}


def _description(user: User) -> Facts:
    described = {"owner": user.owner, "description": user.description}
    return {name: text for name, text in described.items() if text is not None}


def _tenant_fields(tenant: Tenant) -> Facts:
    fields = {"region": tenant.region, "role_arn": tenant.role_arn, "external_id": tenant.external_id}
    return {name: value for name, value in fields.items() if value is not None}


def _difference(old: Facts, wanted: Facts) -> tuple[Facts, Facts]:
    after = {name: value for name, value in wanted.items() if value is not None and value != old.get(name)}
    return {name: old.get(name) for name in after}, after


def _field(name: str, value: str | None) -> Facts | None:
    return None if value is None else {name: value}


def _put(subject: str, address: str, old: Facts | None, new: Facts, version: str | None) -> Iterator[Step]:
    if old is None:
        yield Step(ADD, subject, {}, new, "PUT", address, new, _NEW)
    elif old != new:
        # `own_role` is the one field that is left out where it has its default, which is false.
        every = dict.fromkeys({**old, **new}, False)
        before, after = _difference({**every, **old}, {**every, **new})
        yield Step(CHANGE, subject, before, after, "PUT", address, new, _match(version or "*"))


def _removal(subject: str, address: str, condition: Mapping[str, str]) -> Step:
    return Step(REMOVE, subject, {}, {}, "DELETE", address, None, condition)


def _match(version: str) -> Mapping[str, str]:
    return {"If-Match": "*" if version == "*" else f'"{version}"'}


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
