"""The count of sign-ins by provider and outcome."""

from types import TracebackType
from typing import Literal

from daypass.portal.errors import PortalError
from daypass.portal.telemetry.metrics import SIGN_INS
from daypass.portal.telemetry.metrics_model import OTHER


class count_sign_in:  # noqa: N801  used like a function
    """A context manager around one sign-in at *provider*, which counts it by the error that leaves it."""

    def __init__(self, provider: str, action: Literal["sign_in", "reauthenticate"]) -> None:
        self._provider = provider
        self._action = action

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Count the sign-in; an error passes through."""
        outcome = "ok" if error is None else OTHER
        if isinstance(error, PortalError):
            outcome = error.code
        SIGN_INS.count(self._provider, self._action, outcome)
