"""The numbers that a process has recorded, as a scraper reads them."""

from collections.abc import Mapping

import pytest
from prometheus_client.parser import text_string_to_metric_families

from daypass.portal.telemetry import multiprocess
from daypass.portal.telemetry.metrics_exposition import exposition

Series = tuple[str, frozenset[tuple[str, str]]]


class Recorded:
    """The samples of a scrape, and what changed since."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Count changes from now on."""
        self._before = self.samples()

    def samples(self) -> Mapping[Series, float]:
        """Return all samples of a scrape by name and labels."""
        return samples_of(exposition("", {})[0].decode())

    def change(self, name: str, **labels: str) -> float:
        """Return by how much the series has grown since the start of the test, or since `reset`."""
        return self.changes(name).get(frozenset(labels.items()), 0.0)

    def changes(self, name: str) -> Mapping[frozenset[tuple[str, str]], float]:
        """Return the changes of all series of that name that have changed, by their labels."""
        return {
            labels: value - self._before.get((family, labels), 0.0)
            for (family, labels), value in self.samples().items()
            if family == name and value != self._before.get((family, labels), 0.0)
        }

    def before(self, name: str, **labels: str) -> float:
        """Return the value of a series at the start of the test, or at `reset`."""
        return self._before.get((name, frozenset(labels.items())), 0.0)

    def value(self, name: str, **labels: str) -> float:
        """Return the present value of a series."""
        return self.samples()[name, frozenset(labels.items())]


def samples_of(text: str) -> Mapping[Series, float]:
    """Return the samples in Prometheus's text format by name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """The metrics of this process; it begins to record with the first test that asks."""
    if not multiprocess.is_recording():
        multiprocess.begin(tmp_path_factory.mktemp("metrics"))
    return Recorded()
