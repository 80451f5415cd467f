"""Fixtures of the sandbox's tests."""

import pytest

from daypass.sandbox.process import SandboxProcess
from tests.sandbox.world import World


@pytest.fixture
def world(sandbox: SandboxProcess) -> World:
    """A builder with names that are unique to this test."""
    return World(sandbox)
