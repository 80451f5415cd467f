"""Which profiles `daypass configure` is to write, under which names."""

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
# What can be written into the file. The portal may name a region that this version of the CLI does not know.
_REGION = re.compile(r"[A-Za-z0-9-]+")


@dataclass(frozen=True, slots=True)
class ProfileSpec:
    """A profile that is wanted: its name, whose keys it gives (None: admin's), and its region if known."""

    name: str
    tenant: str | None
    region: str | None

    @property
    def name_conflict(self) -> str:
        """The reason why a tenant's profile must not have this name by default; "" if it may."""
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
        raise UsageError("That is no name of a region.")
    return ProfileSpec(name, tenant, region)


def check_region(region: str, environment: Mapping[str, str], source: str, accepted: Collection[str]) -> None:
    """Raise `UsageError`, naming *source*, if *region* is neither possible in AWS nor *accepted*."""
    if region not in accepted and (error := region_error(region, extra_regions(environment))):
        raise UsageError(f"{source}: {error}")


def default_spec(tenant: str | None, region: str | None) -> ProfileSpec:
    """Return the spec of a profile named after the tenant; raises `UsageError` if that name is reserved."""
    wish = make_spec(tenant or ADMIN, tenant, region)
    if wish.name_conflict:
        raise UsageError(
            f"Name the profile of the tenant {tenant} with --profile, because {wish.name_conflict}."
        )
    return wish


def resolve_names(wishes: Iterable[ProfileSpec]) -> tuple[Sequence[ProfileSpec], dict[str, str]]:
    """Return the wishes that can be met together, and why the tenants of the others are left out."""
    met: dict[str, ProfileSpec] = {}
    left = {}
    # Admin access first: a tenant of the same name makes room for it.
    for wish in sorted(wishes, key=lambda wish: wish.tenant is not None):
        if wish.name_conflict:
            left[str(wish.tenant)] = f"{wish.name_conflict}."
        elif wish.name in met:
            left[str(wish.tenant)] = (
                f"the profile {wish.name} is for {met[wish.name].tenant or 'admin access'}."
            )
        else:
            met[wish.name] = wish
    return sorted(met.values(), key=lambda wish: wish.tenant is None), left
