"""Creation of the matrix's resources, under names that no other test uses."""

import uuid

from tests.matrix.clients import ADMINISTRATOR, Clients
from tests.matrix.kinds import Kind, Place

OWN = "dev01"
"""The tenant of the sessions."""


def place(clients: Clients, tenant: str) -> Place:
    """Return the place of a new resource of a tenant."""
    return Place(tenant, uuid.uuid4().hex[:7], clients.account)


def create(clients: Clients, kind: Kind, tenant: str, *, by: str = ADMINISTRATOR) -> str:
    """Create a resource of a tenant and return it."""
    return kind.create(clients.of(kind.service, by), place(clients, tenant))


def create_own(clients: Clients, kind: Kind) -> str:
    """Create a resource of dev01: in its session where the fence allows that, else as the administrator."""
    return create(clients, kind, OWN, by="full" if kind.is_made_by_tenant else ADMINISTRATOR)
