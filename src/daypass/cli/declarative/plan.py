"""The steps from what there is to what a file says, in an order in which they can be taken."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TypeVar

from daypass.cli.declarative.live_state import LiveState, path
from daypass.cli.declarative.manifest import Manifest, Tenant, User
from daypass.cli.runtime.errors import UsageError

ADD, CHANGE, REMOVE = "+", "~", "-"

_ROLE_MAXIMUM = ("AppConfig", "MaximumSessionDuration")
"""No tenant's maximum may exceed this one: it is raised before theirs, and lowered after them."""

_NEW = {"If-None-Match": "*"}

Facts = Mapping[str, object]

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Step:
    """One change, and the call that makes it."""

    sign: str
    subject: str
    before: Facts
    after: Facts
    method: str
    path: str
    body: Facts | None
    condition: Mapping[str, str]

    def lines(self) -> Iterator[str]:
        """What is different, field by field."""
        for name in {**self.before, **self.after}:
            old, new = self.before.get(name), self.after.get(name)
            if self.sign is CHANGE:
                yield f"{name}: {old} → {new}"
            else:
                yield f"{name}: {old if self.sign is REMOVE else new}"


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps, and how much the file does not mention."""

    steps: Sequence[Step]
    unmentioned: int

    def count(self, sign: str) -> int:
        """How many steps of that sign."""
        return sum(step.sign is sign for step in self.steps)


@dataclass(frozen=True, slots=True)
class _Planner:
    name: str
    wanted: Manifest
    live: LiveState

    def plan(self, *, prune: bool) -> Plan:
        last = [step for step in self._users() if step.before and not _grants_more(step)]
        first = [step for step in self._users() if step not in last]
        settings = list(self._system_settings())
        lowered = [step for step in settings if _lowers_maximum(step)]
        removed = list(self._removals())
        steps = [
            *first,
            *self._tenants(),
            *(step for step in settings if step not in lowered),
            *self._tenant_settings(),
            *self._metadata(),
            *self._members(),
            *lowered,
            *(removed if prune else ()),
            *last,
        ]
        return Plan(steps, 0 if prune else len(removed))

    def _users(self) -> Iterator[Step]:
        there = self.live.manifest.users or {}
        for name, wanted in (self.wanted.users or {}).items():
            old = there.get(name)
            if old is None:
                role = wanted.role or "User"
                body = {"username": name, "role": role}
                yield Step(ADD, f"user {name}", {}, {"role": role}, "POST", path("users"), body, {})
                if wanted.disabled:
                    yield self._user_changed(name, {"disabled": False}, {"disabled": True}, "*")
                continue
            before, after = _difference({"role": old.role, "disabled": old.disabled}, _user_fields(wanted))
            if after:
                yield self._user_changed(name, before, after, self.live.versions.users[name])

    def _user_changed(self, name: str, before: Facts, after: Facts, version: str) -> Step:
        return Step(
            CHANGE, f"user {name}", before, after, "PATCH", path("users", name), after, _match(version)
        )

    def _tenants(self) -> Iterator[Step]:
        there = self.live.manifest.tenants or {}
        for name, wanted in (self.wanted.tenants or {}).items():
            old, said = there.get(name), _tenant_fields(wanted)
            if old is None:
                if wanted.region is None:
                    raise UsageError(
                        f"{self.name}, line {wanted.line}: the new tenant “{name}” needs a region."
                    )
                yield Step(
                    ADD, f"tenant {name}", {}, said, "POST", path("tenants"), {"name": name, **said}, {}
                )
                continue
            before, after = _difference(_tenant_fields(old), said)
            if after:
                match = _match(self.live.versions.tenants[name])
                what = f"tenant {name}"
                yield Step(CHANGE, what, before, after, "PATCH", path("tenants", name), after, match)

    def _system_settings(self) -> Iterator[Step]:
        there, versions = self.live.manifest.settings or {}, self.live.versions.settings
        for (type_, key), value in (self.wanted.settings or {}).items():
            address, place = path("settings", type_, key), (type_, key)
            old = _field("value", there.get(place))
            what, version = f"setting {type_} {key}", versions.get(place)
            yield from _put(what, address, old, {"value": value}, version)

    def _tenant_settings(self) -> Iterator[Step]:
        for name, wanted in (self.wanted.tenants or {}).items():
            old = self._existing(name).settings or {}
            for key, value in (wanted.settings or {}).items():
                version = self.live.versions.tenant_settings.get((name, key))
                address = path("tenants", name, "settings", key)
                what, before = f"setting {key} of {name}", _field("value", old.get(key))
                yield from _put(what, address, before, {"value": value}, version)

    def _metadata(self) -> Iterator[Step]:
        for name, wanted in (self.wanted.tenants or {}).items():
            old = self._existing(name).metadata or {}
            if wanted.metadata and not self.live.supports_metadata:
                raise UsageError(
                    f"{self.name}, line {wanted.line}: this portal keeps no metadata yet. "
                    f"Take that of “{name}” out of the file, or have the portal updated."
                )
            for key, note in (wanted.metadata or {}).items():
                version = self.live.versions.metadata.get((name, key))
                address = path("tenants", name, "metadata", key)
                before = asdict(old[key]) if key in old else None
                yield from _put(f"metadata {key} of {name}", address, before, asdict(note), version)

    def _members(self) -> Iterator[Step]:
        known = {*(self.live.manifest.users or {}), *(self.wanted.users or {})}
        for name, wanted in (self.wanted.tenants or {}).items():
            old = self._existing(name).members or {}
            for user, access in (wanted.members or {}).items():
                if user not in known:
                    raise UsageError(
                        f"{self.name}, line {wanted.line}: there is no user “{user}” for “{name}”."
                    )
                version = self.live.versions.members.get((name, user))
                address = path("tenants", name, "members", user)
                what, before = f"member {user} of {name}", _field("access", old.get(user))
                yield from _put(what, address, before, {"access": access}, version)

    def _removals(self) -> Iterator[Step]:
        """What the file leaves out of what it speaks of, the innermost first."""
        there, versions, wanted = self.live.manifest, self.live.versions, self.wanted
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
        for type_, key in _unlisted(there.settings, wanted.settings):
            match = _match(versions.settings[type_, key])
            yield _removal(f"setting {type_} {key}", path("settings", type_, key), match)
        for name in _unlisted(there.tenants, wanted.tenants):
            yield _removal(f"tenant {name}", path("tenants", name), _match(versions.tenants[name]))
        for name in _unlisted(there.users, wanted.users):
            yield _removal(f"user {name}", path("users", name), _match(versions.users[name]))

    def _existing(self, tenant: str) -> Tenant:
        return (self.live.manifest.tenants or {}).get(tenant, Tenant(0))


def plan(name: str, wanted: Manifest, live: LiveState, *, prune: bool) -> Plan:
    """The steps that make the portal what the file *name* wants; with *prune*, nothing else is left."""
    return _Planner(name, wanted, live).plan(prune=prune)


def _user_fields(user: User) -> Facts:
    return {"role": user.role, "disabled": user.disabled}


def _tenant_fields(tenant: Tenant) -> Facts:
    said = {"region": tenant.region, "role_arn": tenant.role_arn, "external_id": tenant.external_id}
    return {name: value for name, value in said.items() if value is not None}


def _difference(old: Facts, wanted: Facts) -> tuple[Facts, Facts]:
    after = {name: value for name, value in wanted.items() if value is not None and value != old.get(name)}
    return {name: old.get(name) for name in after}, after


def _field(name: str, value: str | None) -> Facts | None:
    return None if value is None else {name: value}


def _put(what: str, address: str, old: Facts | None, new: Facts, version: str | None) -> Iterator[Step]:
    if old is None:
        yield Step(ADD, what, {}, new, "PUT", address, new, _NEW)
    elif old != new:
        yield Step(CHANGE, what, *_difference(old, new), "PUT", address, new, _match(version or "*"))


def _removal(what: str, address: str, condition: Mapping[str, str]) -> Step:
    return Step(REMOVE, what, {}, {}, "DELETE", address, None, condition)


def _match(version: str) -> Mapping[str, str]:
    return {"If-Match": "*" if version == "*" else f'"{version}"'}


def _unlisted(there: Mapping[Key, object] | None, wanted: Mapping[Key, object] | None) -> Sequence[Key]:
    """What is there and not in the file; nothing, where the file does not speak of such things."""
    return [] if wanted is None else [key for key in there or {} if key not in wanted]


def _grants_more(step: Step) -> bool:
    """Whether a user can do more afterwards; who can do less may be the one who makes these very changes."""
    return step.after.get("role") == "Administrator" or step.after.get("disabled") is False


def _lowers_maximum(step: Step) -> bool:
    if step.path != path("settings", *_ROLE_MAXIMUM) or step.sign is not CHANGE:
        return False
    old, new = str(step.before["value"]), str(step.after["value"])
    return old.isdigit() and new.isdigit() and int(new) < int(old)
