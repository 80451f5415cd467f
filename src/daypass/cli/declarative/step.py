"""The steps of a plan: each a change, and the API call that makes it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

ADD, CHANGE, REMOVE = "+", "~", "-"

_NEW = {"If-None-Match": "*"}

Facts = Mapping[str, object]


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


def address(*parts: str) -> str:
    """Return a path of the API with percent-encoded *parts*."""
    return "/api/v1/" + "/".join(quote(part, safe="") for part in parts)


def difference(old: Facts, wanted: Facts) -> tuple[Facts, Facts]:
    """Return the fields of *wanted* that are not None and differ from *old*: before, and after."""
    after = {name: value for name, value in wanted.items() if value is not None and value != old.get(name)}
    return {name: old.get(name) for name in after}, after


def put(subject: str, path: str, old: Facts | None, new: Facts, version: str | None) -> Iterator[Step]:
    """Yield the step that creates an object, or replaces one that differs."""
    if old is None:
        yield Step(ADD, subject, {}, new, "PUT", path, new, _NEW)
    elif old != new:
        # Only these fields are left out where they have their defaults.
        defaults: Facts = {"own_role": False, "ends_at": None}
        values = {
            name: (old.get(name, defaults.get(name)), new.get(name, defaults.get(name))) for name in new
        }
        values |= {name: (old[name], defaults.get(name)) for name in old if name not in new}
        changed = {name: pair for name, pair in values.items() if pair[0] != pair[1]}
        before = {name: pair[0] for name, pair in changed.items()}
        after = {name: pair[1] for name, pair in changed.items()}
        yield Step(CHANGE, subject, before, after, "PUT", path, new, if_match(version or "*"))


def removal(subject: str, path: str, condition: Mapping[str, str]) -> Step:
    """Return the step that removes an object."""
    return Step(REMOVE, subject, {}, {}, "DELETE", path, None, condition)


def if_match(version: str) -> Mapping[str, str]:
    """Return the precondition for an object of this version; `*` is any."""
    return {"If-Match": "*" if version == "*" else f'"{version}"'}


def _shown(value: object) -> object:
    """Return a list, true or false as in JSON and in the file; other values as they are."""
    return json.dumps(value) if isinstance(value, list | bool) else value
