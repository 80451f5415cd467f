"""The navigation on the left: one entry for each page in it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """A navigation entry; it is current for every path below its address."""

    label: str
    address: str
    icon: str
    is_for_administrators: bool = False

    def is_current(self, path: str) -> bool:
        """Whether *path* is this page, or one below it."""
        return path == self.address or path.startswith(f"{self.address}/")


ENTRIES = (
    Entry("Profile", "/profile", "person"),
    Entry("AWS Resources", "/resources", "box"),
    Entry("My sessions", "/sessions", "clock"),
    Entry("Overview", "/administrator/overview", "list", is_for_administrators=True),
    Entry("Tenants", "/administrator/tenants", "bucket", is_for_administrators=True),
    Entry("Users", "/administrator/users", "people", is_for_administrators=True),
    Entry("Permission Sets", "/administrator/permission-sets", "key", is_for_administrators=True),
    Entry("Fence", "/administrator/fence", "fence", is_for_administrators=True),
    Entry("System Settings", "/administrator/system-settings", "sliders", is_for_administrators=True),
    Entry("Audit", "/administrator/audit", "shield", is_for_administrators=True),
)
"""All entries, in order; those for Administrators form a group of their own."""
