"""The navigation on the left: one entry for each page in it."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """A navigation entry; it is current for every path below its address."""

    label: str
    address: str
    icon: str
    is_for_administrators: bool = False
    further: Sequence[str] = ()
    """The addresses of further pages that belong to it."""

    def is_current(self, path: str) -> bool:
        """Whether *path* is a page of this entry, or one below it."""
        return any(path == each or path.startswith(f"{each}/") for each in (self.address, *self.further))


ENTRIES = (
    Entry("Profile", "/profile", "person"),
    Entry("AWS Resources", "/resources", "box", further=["/services"]),
    Entry("My sessions", "/sessions", "clock"),
    Entry("Overview", "/administrator/overview", "list", is_for_administrators=True),
    Entry("Tenants", "/administrator/tenants", "bucket", is_for_administrators=True),
    Entry(
        "Users",
        "/administrator/users",
        "people",
        is_for_administrators=True,
        further=["/administrator/import-users"],
    ),
    Entry("Groups", "/administrator/groups", "group", is_for_administrators=True),
    Entry("Service Accounts", "/administrator/service-accounts", "device", is_for_administrators=True),
    Entry(
        "Permission Sets",
        "/administrator/permission-sets",
        "key",
        is_for_administrators=True,
        further=["/administrator/add-permission-set"],
    ),
    Entry(
        "Workload Rules",
        "/administrator/workload-rules",
        "terminal",
        is_for_administrators=True,
        further=["/administrator/add-workload-rule"],
    ),
    Entry("Provisioning", "/administrator/provisioning", "refresh", is_for_administrators=True),
    Entry("Fence", "/administrator/fence", "fence", is_for_administrators=True),
    Entry("System Settings", "/administrator/system-settings", "sliders", is_for_administrators=True),
    Entry("Audit", "/administrator/audit", "shield", is_for_administrators=True),
)
"""All entries, in order; those for Administrators form a group of their own."""
