"""The matrix runs against the session's demo."""

from contextlib import suppress

import pytest

from daypass.demo.seed.fixtures import ROLE_PREFIX
from daypass.portal.aws import policies
from tests.fixtures.demo import Demo, demo, fragile_demo, troubled
from tests.matrix.clients import SIMILAR, Clients
from tests.matrix.portal import Portal, portal_with_members

__all__ = ["demo", "fragile_demo", "troubled"]


@pytest.fixture(scope="session")
def portal(demo: Demo) -> Portal:
    """The demo's portal, with two members for each tenant."""
    return portal_with_members(demo)


@pytest.fixture(scope="session")
def fragile_portal(fragile_demo: Demo) -> Portal:
    """The same, in the demo whose clock may be moved."""
    return portal_with_members(fragile_demo)


@pytest.fixture(scope="session")
def clients(portal: Portal) -> Clients:
    """Clients with keys of dev01 from the portal, by permission set."""
    iam = portal.aws.iam
    trust: policies.Statement = {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    # The role that the functions of that tenant have; another worker may have created it.
    with suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(
            RoleName=f"{ROLE_PREFIX}{SIMILAR}-worker",
            AssumeRolePolicyDocument=policies.to_json(policies.document(trust)),
        )
    return Clients(portal)
