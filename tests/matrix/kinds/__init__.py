"""The resources of the matrix by group of services: how each is created, used, tagged and started."""

from tests.matrix.kinds.compute import COMPUTE
from tests.matrix.kinds.data import DATA
from tests.matrix.kinds.messaging import MESSAGING
from tests.matrix.kinds.model import Kind, Place
from tests.matrix.kinds.network import NETWORK
from tests.matrix.kinds.operations import OPERATIONS

KINDS: tuple[Kind, ...] = (*COMPUTE, *DATA, *MESSAGING, *NETWORK, *OPERATIONS)

__all__ = ["KINDS", "Kind", "Place"]
