"""The kinds of resources that are listed, and the parsing of their ARNs."""

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import groupby

_LONGEST = 2048
_ARN = re.compile(r"arn:(aws[a-z-]*):([a-z0-9-]+):([a-z0-9-]*):([0-9]*):(.+)")


@dataclass(frozen=True, slots=True)
class ResourceKind:
    """A kind of resource that AWS's tag search returns."""

    name: str
    """The name in URLs and JSON."""
    label: str
    """The singular, for a page title."""
    plural: str
    service: str
    """The service in the ARN."""
    pattern: re.Pattern[str] = field(repr=False)
    """The start of the ARN's resource part; its first group is the name or id.

    A second group is the part of the name that begins with the tenant's prefix, if it is not the whole name.
    """
    is_named: bool = True
    """Whether the name begins with the tenant's prefix; otherwise the tag names the tenant."""
    allowed_with: Set[str] = frozenset()
    """The services of the catalogue any of which allows the kind, if a tenant may use some services only."""
    needs_shared_fence: bool = False
    """Whether roles of generation 1, whose fence is an inline policy, may not open its console page."""
    read_only_gap: str = ""
    """The parts that the console page may lack in a read-only session, as a sentence; empty if none."""

    def __str__(self) -> str:
        """Return the name."""
        return self.name


@dataclass(frozen=True, slots=True)
class ResourceArn:
    """A parsed ARN."""

    arn: str
    kind: ResourceKind
    partition: str
    region: str
    """Empty for kinds whose ARNs have no region."""
    account_id: str
    """Empty for kinds whose ARNs have no account."""
    id: str
    """The name, or the ID of a kind without names."""
    owned_name: str | None
    """The part of the name that begins with the tenant's prefix; None for a kind without names."""

    @property
    def position(self) -> tuple[str, str]:
        """The sort key of a resource: its kind, then its ARN."""
        return self.kind.plural.casefold(), self.arn


class ResourceKinds:
    """The kinds of resources that are listed, in display order."""

    def __init__(self, kinds: Sequence[ResourceKind]) -> None:
        in_order = sorted(kinds, key=lambda kind: kind.plural.casefold())
        self._by_name: Mapping[str, ResourceKind] = {kind.name: kind for kind in in_order}
        self._by_service = {
            service: list(of) for service, of in groupby(sorted(in_order, key=_service), _service)
        }
        self.services: Sequence[str] = list(self._by_service)
        """The listed services, by their names in ARNs."""

    def __iter__(self) -> Iterator[ResourceKind]:
        """Iterate over the kinds."""
        return iter(self._by_name.values())

    @property
    def names(self) -> Sequence[str]:
        """The names of the kinds."""
        return list(self._by_name)

    def find(self, name: str) -> ResourceKind | None:
        """Return the kind with that name, or None."""
        return self._by_name.get(name)

    def parse(self, arn: str) -> ResourceArn | None:
        """Parse *arn*; None if it is invalid, of an unlisted kind, or only a part of a resource."""
        named = self.containing(arn)
        return named if named is not None and named.arn == arn else None

    def containing(self, arn: str) -> ResourceArn | None:
        """Return the resource that *arn* is, or is a part of: an object's bucket, a version's function."""
        if len(arn) > _LONGEST or not arn.isprintable():
            return None
        parts = _ARN.fullmatch(arn)
        if parts is None:
            return None
        partition, service, region, account_id, rest = parts.groups()
        for kind in self._by_service.get(service, ()):
            match = kind.pattern.match(rest)
            # The name must end where the pattern does, or at a separator: the rest names a part of the
            # resource.
            if match and rest[match.end() :][:1] in ("", "/", ":"):
                return ResourceArn(
                    arn=arn[: parts.start(5) + match.end()],
                    kind=kind,
                    partition=partition,
                    region=region,
                    account_id=account_id,
                    id=match[1],
                    owned_name=match[kind.pattern.groups] if kind.is_named else None,
                )
        return None


def _service(kind: ResourceKind) -> str:
    return kind.service
