"""Fixtures of the sandbox's own tests."""

import pytest

from daypass.sandbox.process import SandboxProcess
from tests.sandbox.world import World


@pytest.fixture
def world(sandbox: SandboxProcess) -> World:
    """A corner of the sandbox that no other test knows."""
    return World(sandbox)
