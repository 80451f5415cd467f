"""Timing of the stages of an issuance; traces attach to the same places."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from time import perf_counter
from types import TracebackType

from daypass.portal.telemetry.metrics import STAGE_SECONDS, Stage

__all__ = ["Stage", "stage", "trace_stages"]

OpenSpan = Callable[[Stage], AbstractContextManager[object]]

_open_span: OpenSpan | None = None


def trace_stages(open_span: OpenSpan | None) -> None:
    """Open a span by *open_span* for each stage from now on; None for no spans."""
    global _open_span
    _open_span = open_span


class stage:  # noqa: N801  used like a function
    """A context manager around one stage: it records the duration, also if the stage raises."""

    __slots__ = ("_began", "_name", "_span")

    def __init__(self, name: Stage) -> None:
        self._name = name
        self._span: AbstractContextManager[object] | None = None

    def __enter__(self) -> None:
        """Start the stage."""
        if _open_span is not None:
            self._span = _open_span(self._name)
            self._span.__enter__()
        self._began = perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the stage; an error passes through."""
        STAGE_SECONDS.observe(perf_counter() - self._began, self._name)
        if self._span is not None:
            self._span.__exit__(kind, error, trace)
