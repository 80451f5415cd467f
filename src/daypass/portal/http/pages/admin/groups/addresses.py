"""The addresses of the pages about groups."""

GROUPS = "/administrator/groups"
CREATE = f"{GROUPS}/create"
GROUP = f"{GROUPS}/{{group}}"
