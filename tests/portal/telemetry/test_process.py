"""Metrics of the process itself: dropped log lines and the sampler."""

import io
import threading

import pytest

from daypass.portal.telemetry.log_stream import LogStream
from daypass.portal.telemetry.metrics_sampler import MetricsSampler
from tests.portal.telemetry.recorded import Recorded


class Unread(io.StringIO):
    """A stream whose reader pauses."""

    def __init__(self) -> None:
        super().__init__()
        self.is_read = threading.Event()

    def write(self, text: str) -> int:
        """Wait until the stream is read."""
        assert self.is_read.wait(60)
        return super().write(text)


def test_dropped_log_lines_count(recorded: Recorded) -> None:
    out = Unread()
    stream = LogStream(out, most=10)
    stream.start()

    for _ in range(5):
        stream.write("123456\n")
    out.is_read.set()
    stream.finish()

    dropped = recorded.change("daypass_log_lines_dropped_total")
    assert dropped == 5 - out.getvalue().count("123456")
    assert dropped > 0


@pytest.mark.usefixtures("recorded")
def test_a_sampler_sets_the_gauges_at_its_start_and_ends() -> None:
    samples = []
    sampler = MetricsSampler(lambda: samples.append(1))

    sampler.start()
    sampler.close()

    assert samples
