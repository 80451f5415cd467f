"""The places at which traces attach; they cost one comparison while traces are off.

`traces.py` sets the hook. It alone imports OpenTelemetry.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import copy_context
from functools import partial
from typing import TypeVar

T = TypeVar("T")

OpenSpan = Callable[[str], AbstractContextManager[object]]
"""Returns a context manager around a call to the AWS service of that name; it marks the call as failed."""

_open_call_span: OpenSpan | None = None


def trace_calls(open_span: OpenSpan | None) -> None:
    """Open a span by *open_span* for each call to AWS from now on; None for no spans."""
    global _open_call_span
    _open_call_span = open_span


def call_span(service: str) -> AbstractContextManager[object] | None:
    """Return the span of a call to an AWS service, not yet entered; None while traces are off."""
    return None if _open_call_span is None else _open_call_span(service)


def in_this_context(call: Callable[[], T]) -> Callable[[], T]:
    """Return *call* for another thread, where its spans are children of the current one."""
    return call if _open_call_span is None else partial(copy_context().run, call)
