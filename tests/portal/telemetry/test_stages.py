"""Timing of stages, and the spans that traces attach to them."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from daypass.portal.telemetry.stages import Stage, stage, trace_stages
from tests.portal.telemetry.recorded import Recorded

COUNT = "daypass_issuance_stage_duration_seconds_count"


def test_a_stage_is_observed_once(recorded: Recorded) -> None:
    with stage(Stage.INTENT):
        pass

    assert recorded.change(COUNT, stage="intent") == 1
    assert recorded.change(COUNT, stage="outcome") == 0


def test_a_stage_that_raises_is_observed_and_its_error_passes(recorded: Recorded) -> None:
    with pytest.raises(LookupError), stage(Stage.ASSUME_ROLE):
        raise LookupError

    assert recorded.change(COUNT, stage="assume_role") == 1


def test_stages_open_spans_once_traces_are_on(recorded: Recorded) -> None:
    seen = []

    @contextmanager
    def span(name: Stage) -> Iterator[None]:
        seen.append(("begin", name))
        try:
            yield
        finally:
            seen.append(("end", name))

    trace_stages(span)
    try:
        with pytest.raises(LookupError), stage(Stage.DECIDE):
            raise LookupError
    finally:
        trace_stages(None)
    with stage(Stage.DECIDE):
        pass

    assert seen == [("begin", Stage.DECIDE), ("end", Stage.DECIDE)]
    assert recorded.change(COUNT, stage="decide") == 2
