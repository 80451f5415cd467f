"""The kinds of metrics, on top of prometheus-client: declared at import, recorded once `begin` was called."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from itertools import product
from math import prod
from threading import Lock
from typing import TYPE_CHECKING, ClassVar, Generic, Literal, TypeVar

if TYPE_CHECKING:
    import prometheus_client
    from prometheus_client.metrics import MetricWrapperBase

Labels = tuple[str, ...]
S = TypeVar("S", bound="MetricWrapperBase")

OTHER = "other"
"""The value that a label has in place of an undeclared one. It may appear with every label."""

_MOST_SERIES_AT_ONCE = 100

LiveMode = Literal["livesum", "livemax", "livemin"]
"""The combination of several processes' gauges; the files of ended processes do not count."""


class Metric:
    """A declared metric: its name, its help, and its labels with all values that they can have.

    A label has declared values and `OTHER` only, so the number of series is bounded whatever is recorded. A
    label that declares no values has one value in each process, which does not change.
    """

    kind: ClassVar[str]

    def __init__(self, name: str, help: str, labels: Mapping[str, Sequence[str]] | None = None) -> None:  # noqa: A002  Prometheus's term
        self.name = name
        self.help = help
        self.labels = {label: tuple(map(str, values)) for label, values in (labels or {}).items()}

    def bounded(self, values: Sequence[str]) -> Labels:
        """Return the values with each undeclared one replaced by `OTHER`."""
        declared = self.labels.values()
        return tuple(
            str(value) if value in allowed or not allowed else OTHER
            for value, allowed in zip(values, declared, strict=True)
        )


class ReadGauge(Metric):
    """A number of all replicas, read from the database when it is scraped."""

    kind = "gauge"


class RecordedMetric(Metric, ABC, Generic[S]):
    """A metric that each process records. Before `begin`, recording does nothing and takes no time."""

    starts_at_zero: ClassVar[bool] = True
    """Whether the metric exists before the first recording."""

    def __init__(self, name: str, help: str, labels: Mapping[str, Sequence[str]] | None = None) -> None:  # noqa: A002  Prometheus's term
        super().__init__(name, help, labels)
        self._series: dict[Labels, S] = {}
        self._family: S | None = None
        self._creating = Lock()
        self.has_begun = False

    def begin(self) -> None:
        """Record from now on, in the directory that `multiprocess` has set."""
        if not self.has_begun:
            if self.starts_at_zero:
                self._add_all_series()
            self.has_begun = True

    @abstractmethod
    def _make_family(self) -> S:
        """Create the metric in prometheus-client."""

    def _add_all_series(self) -> None:
        """Create the series of all declared values, unless they are too many.

        For Prometheus, a counter that first appears with the value 1 has not increased.
        """
        if 1 <= prod(map(len, self.labels.values())) <= _MOST_SERIES_AT_ONCE:
            for values in product(*self.labels.values()):
                self._find(values)

    def _find(self, values: Labels) -> S:
        series = self._series.get(values)
        if series is None:
            bounded = self.bounded(values)
            series = self._series.get(bounded)
            if series is None:
                series = self._series[bounded] = self._make_series(bounded)
        return series

    def _make_series(self, values: Labels) -> S:
        with self._creating:
            if self._family is None:
                self._family = self._make_family()
            return self._family.labels(*values) if values else self._family


class Counter(RecordedMetric["prometheus_client.Counter"]):
    """A number that only grows; its name ends in `_total`."""

    kind = "counter"

    def count(self, *values: str, by: int = 1) -> None:
        """Add *by* to the series with these values of the labels."""
        if self.has_begun:
            self._find(values).inc(by)

    def _make_family(self) -> "prometheus_client.Counter":
        from prometheus_client import Counter as Family

        return Family(self.name, self.help, tuple(self.labels))


class Histogram(RecordedMetric["prometheus_client.Histogram"]):
    """A distribution over *buckets*, which are upper bounds."""

    kind = "histogram"

    def __init__(
        self,
        name: str,
        help: str,  # noqa: A002  Prometheus's term
        buckets: Sequence[float],
        labels: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        super().__init__(name, help, labels)
        self.buckets = tuple(buckets)

    def observe(self, amount: float, *values: str) -> None:
        """Add one observation to the series with these values of the labels."""
        if self.has_begun:
            self._find(values).observe(amount)

    def _make_family(self) -> "prometheus_client.Histogram":
        from prometheus_client import Histogram as Family

        return Family(self.name, self.help, tuple(self.labels), buckets=self.buckets)


class Gauge(RecordedMetric["prometheus_client.Gauge"]):
    """A number of each process, which *mode* combines for all processes that live."""

    kind = "gauge"
    # A process that never sets it would take part with 0, as the lowest number.
    starts_at_zero = False

    def __init__(
        self,
        name: str,
        help: str,  # noqa: A002  Prometheus's term
        labels: Mapping[str, Sequence[str]] | None = None,
        mode: LiveMode = "livesum",
    ) -> None:
        super().__init__(name, help, labels)
        self._mode: LiveMode = mode

    def set(self, amount: float, *values: str) -> None:
        """Set the number of this process."""
        if self.has_begun:
            self._find(values).set(amount)

    def _make_family(self) -> "prometheus_client.Gauge":
        from prometheus_client import Gauge as Family

        return Family(self.name, self.help, tuple(self.labels), multiprocess_mode=self._mode)
