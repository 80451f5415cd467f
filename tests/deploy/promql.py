"""The names in a PromQL query, and mistakes in it that Prometheus answers with no data instead of an error.

This reads the part of PromQL that deploy/monitoring uses; promtool checks the syntax.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from daypass.portal.telemetry.metrics import METRICS
from daypass.portal.telemetry.metrics_model import OTHER, Counter, Histogram, Metric, ReadGauge

_TARGET_LABELS = frozenset({"job", "instance"})
"""The labels that Prometheus adds to every series of a target."""

_AGGREGATIONS = frozenset({"sum", "min", "max", "count"})
_WORDS = _AGGREGATIONS | {"by", "and", "or", "unless"}
_SELECTOR = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)(?P<braces>\{(?P<matchers>[^}]*)\})?(?!\w|\s*\()")
_MATCHER = re.compile(r'\s*(?P<label>\w+)\s*(?:=~|!~|!=|=)\s*"(?P<value>[^"]*)"\s*(?:,|$)')
_GROUPING = re.compile(r"\bby \((?P<labels>[^)]*)\)")
_RANGE = re.compile(r"\[[^\]]*\]")
_SUFFIXES = ("_bucket", "_sum", "_count")


@dataclass(frozen=True)
class Series:
    """The meaning of a sample's name: the metric, none for one of Prometheus's own, and its labels."""

    metric: Metric | None
    labels: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Selector:
    """A name in a query, with its matchers, and the text of the query before it."""

    name: str
    matchers: Sequence[tuple[str, str]]
    before: str


def _series() -> Iterator[tuple[str, Series]]:
    yield "up", Series(None, {})
    for metric in METRICS:
        if isinstance(metric, Histogram):
            for suffix in _SUFFIXES:
                bound = {"le": ()} if suffix == "_bucket" else {}
                yield metric.name + suffix, Series(metric, {**metric.labels, **bound})
        else:
            yield metric.name, Series(metric, metric.labels)


SERIES = dict(_series())
"""Every name of a sample that a query can have."""


def selectors(query: str) -> Sequence[Selector]:
    """Return the selectors of a query, in their order."""
    text = _RANGE.sub(lambda found: " " * len(found[0]), query)
    text = _GROUPING.sub(lambda found: " " * len(found[0]), text)
    found = []
    for match in _SELECTOR.finditer(text):
        if match["name"] not in _WORDS:
            matchers = [(m["label"], m["value"]) for m in _MATCHER.finditer(match["matchers"] or "")]
            found.append(Selector(match["name"], matchers, query[: match.start()]))
    return found


def grouping_labels(query: str) -> set[str]:
    """Return the labels that the groupings of a query name."""
    return {label.strip() for found in _GROUPING.finditer(query) for label in found["labels"].split(",")}


def metrics_in(query: str) -> set[str]:
    """Return the names of the portal's metrics that a query reads."""
    read = (SERIES[selector.name].metric for selector in selectors(query) if selector.name in SERIES)
    return {metric.name for metric in read if metric is not None}


def mistakes(query: str) -> Sequence[str]:
    """Return what is wrong with a query although its syntax is right."""
    found = selectors(query)
    return [
        *([] if found else ["no metric"]),
        *(mistake for selector in found for mistake in _mistakes_of(selector, query)),
    ]


def _mistakes_of(selector: Selector, query: str) -> Iterator[str]:
    series = SERIES.get(selector.name)
    if series is None:
        yield f"unknown metric: {selector.name}"
        return
    yield from _wrong_labels(selector, series, grouping_labels(query))
    is_counter = isinstance(series.metric, Counter | Histogram)
    if is_counter != bool(re.search(r"\b(rate|increase)\($", selector.before)):
        yield f"{selector.name} is {'a' if is_counter else 'no'} counter"
    if isinstance(series.metric, ReadGauge) and not re.search(r"\bmax( by \(job\) )?\($", selector.before):
        yield f"{selector.name} is of all replicas: its maximum, not a sum"
    if selector.name.endswith("_bucket") and "le" not in grouping_labels(query):
        yield f"{selector.name} without le"


def _wrong_labels(selector: Selector, series: Series, grouping: set[str]) -> Iterator[str]:
    labels = {**series.labels, **dict.fromkeys(_TARGET_LABELS, ())}
    for label, value in selector.matchers:
        declared = labels.get(label)
        if declared is None:
            yield f"{selector.name} has no label {label}"
        elif declared:
            for alternative in set(value.split("|")) - {*declared, OTHER}:
                yield f"{label} of {selector.name} is never {alternative}"
    for label in sorted(grouping - labels.keys() - {"le"}):
        yield f"{selector.name} has no label {label}"
