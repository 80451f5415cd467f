"""The count of sign-ins by provider and outcome."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from daypass.portal.errors import PortalError
from daypass.portal.telemetry.metrics import SIGN_INS
from daypass.portal.telemetry.metrics_model import OTHER


@contextmanager
def count_sign_in(provider: str, action: Literal["sign_in", "reauthenticate"]) -> Iterator[None]:
    """Count one sign-in at *provider* by the error that leaves the block."""
    outcome = OTHER
    try:
        yield
        outcome = "ok"
    except PortalError as error:
        outcome = error.code
        raise
    finally:
        SIGN_INS.count(provider, action, outcome)
