"""Names and contents of the profiles that `daypass configure` writes."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from daypass.cli.runtime.errors import UsageError
from daypass.common.console.regions import extra_regions, region_error

ADMIN = "admin"

_RESERVED = {
    "default": "the AWS tools use the profile of this name where none is named",
    ADMIN: "the profile of this name is for admin access",
}
# Loose, because the portal may name a region that is newer than this version of the CLI.
_REGION = re.compile(r"[A-Za-z0-9-]+")


@dataclass(frozen=True, slots=True)
class ProfileSpec:
    """A profile to write: its name, its tenant (None for admin access), and its region if known."""

    name: str
    tenant: str | None
    region: str | None

    @property
    def name_conflict(self) -> str:
        """The reason why a tenant's profile must not get this name by default; "" if there is none."""
        return "" if self.tenant is None else _RESERVED.get(self.name, "")


def make_spec(name: str, tenant: str | None, region: str | None) -> ProfileSpec:
    """Return the spec of a profile; raises `UsageError` if name or region cannot be written to the file."""
    if not name.strip() or not name.isprintable() or set(name) & set("[]\"'\\"):
        shown = name if name.isprintable() else repr(name)
        raise UsageError(
            f"“{shown}” cannot be the name of a profile. A name has printable characters "
            "and none of [ ] \" ' \\; choose another with --profile or --prefix."
        )
    if region is not None and not _REGION.fullmatch(region):
        raise UsageError("The region has characters that a region's name cannot have.")
    return ProfileSpec(name, tenant, region)


def check_region(region: str, environment: Mapping[str, str], source: str, accepted: Collection[str]) -> None:
    """Raise `UsageError`, naming *source*, if *region* is neither possible in AWS nor *accepted*."""
    if region not in accepted and (error := region_error(region, extra_regions(environment))):
        raise UsageError(f"{source}: {error}")


def default_spec(tenant: str | None, region: str | None) -> ProfileSpec:
    """Return the spec of a profile named after the tenant; raises `UsageError` if that name is reserved."""
    spec = make_spec(tenant or ADMIN, tenant, region)
    if spec.name_conflict:
        raise UsageError(
            f"Name the profile of the tenant {tenant} with --profile, because {spec.name_conflict}."
        )
    return spec


def resolve_names(specs: Iterable[ProfileSpec]) -> tuple[Sequence[ProfileSpec], dict[str, str]]:
    """Return the specs without name conflicts, and by tenant the reasons why the others are skipped."""
    accepted: dict[str, ProfileSpec] = {}
    skipped = {}
    # Admin access first, because it takes precedence over a tenant of the same name.
    for spec in sorted(specs, key=lambda spec: spec.tenant is not None):
        if spec.name_conflict:
            skipped[str(spec.tenant)] = f"{spec.name_conflict}."
        elif spec.name in accepted:
            skipped[str(spec.tenant)] = (
                f"the profile {spec.name} is for {accepted[spec.name].tenant or 'admin access'}."
            )
        else:
            accepted[spec.name] = spec
    return sorted(accepted.values(), key=lambda spec: spec.tenant is None), skipped
