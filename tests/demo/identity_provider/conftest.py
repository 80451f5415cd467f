"""A relying party of the provider, whose clock stands still."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.demo.identity_provider.relying_party import MovedClock, RelyingParty, settings


@pytest.fixture(scope="session")
def key_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a private key that all tests share, because making one takes time."""
    return tmp_path_factory.mktemp("provider-key")


@pytest.fixture
def rp(key_folder: Path) -> RelyingParty:
    """A relying party without cookies, of a provider without sessions."""
    return RelyingParty(settings(key_folder), MovedClock(datetime(2026, 12, 1, 9, tzinfo=UTC)))
