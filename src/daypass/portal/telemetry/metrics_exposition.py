"""The text of /metrics: the numbers of all processes, in the format that the scraper accepts."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from daypass.portal.telemetry.metrics import METRICS
from daypass.portal.telemetry.metrics_model import ReadGauge
from daypass.portal.telemetry.multiprocess import recorded_files

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric as Family

Readings = Mapping[ReadGauge, float]
"""The numbers that were read from the database for this scrape; those that could not be read are left out."""


def exposition(accept: str, readings: Readings) -> tuple[bytes, str]:
    """Return the metrics and their content type: OpenMetrics or Prometheus's text, by the header Accept."""
    from prometheus_client import CollectorRegistry
    from prometheus_client.exposition import choose_encoder

    registry = CollectorRegistry()
    registry.register(_Collected(_families(readings)))
    try:
        encode, content_type = choose_encoder(accept)
    except (TypeError, ValueError):
        # prometheus-client raises for a version in the header that is not a number.
        encode, content_type = choose_encoder("")
    return encode(registry), content_type


class _Collected:
    """A collector of families that are collected already."""

    def __init__(self, families: "Iterable[Family]") -> None:
        self._families = families

    def collect(self) -> "Iterable[Family]":
        """Return the families."""
        return self._families


def _families(readings: Readings) -> "list[Family]":
    """Return the families in the order in which the metrics are declared."""
    from prometheus_client.metrics_core import GaugeMetricFamily
    from prometheus_client.multiprocess import MultiProcessCollector

    with recorded_files() as files:
        merged = MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]  # the library's
    families: dict[str, Family] = {family.name: family for family in merged}
    for gauge, value in readings.items():
        families[gauge.name] = GaugeMetricFamily(gauge.name, gauge.help, value=value)
    # prometheus-client appends `_total` to the samples of a counter itself.
    names = (metric.name.removesuffix("_total") for metric in METRICS)
    return [families[name] for name in names if name in families]
