"""Loading of the service catalogue."""

import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from daypass.portal.aws.fence.model import Service


@cache
def services() -> Sequence[Service]:
    """Return all services of the catalogue, by name."""
    return tuple(sorted(_read(), key=lambda service: service.name))


def offered_services() -> Sequence[Service]:
    """Return the services that tenants may use, by name."""
    return tuple(service for service in services() if service.is_offered)


def _read() -> Iterator[Service]:
    for file in (files(__package__) / "services").iterdir():
        name, _, extension = file.name.rpartition(".")
        if extension == "toml":
            yield parse(name, file.read_text(encoding="utf-8"))


def parse(name: str, text: str) -> Service:
    """Return the service described by a TOML document; raises `ValueError` that names the fault."""
    content: dict[str, Any] = tomllib.loads(text)
    service = Service.model_validate(content | {"name": name})
    for rule in service.allow:
        if rule.by == "condition" and rule.why is None:
            raise ValueError(f"{name}: a rule by condition needs a reason (why)")
        if rule.by == "name" and rule.resources == ("*",):
            raise ValueError(f"{name}: a rule by name needs the patterns of its ARNs (resources)")
    actions = [action for rule in service.allow for action in rule.actions]
    actions += [action for rule in service.deny for action in rule.actions]
    foreign = {action for action in actions if action.partition(":")[0] not in service.prefixes}
    if foreign:
        raise ValueError(f"{name}: {', '.join(sorted(foreign))} have a prefix that is not in `prefixes`")
    return service
