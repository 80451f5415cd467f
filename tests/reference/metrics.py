"""The reference page of the metrics."""

from collections.abc import Sequence

from daypass.portal.telemetry.metrics import METRICS
from daypass.portal.telemetry.metrics_model import OTHER, Histogram, Metric, ReadGauge
from tests.reference.markdown import wrap

INTRODUCTION = f"""\
<!-- Written by scripts/reference from src/daypass/portal/telemetry/metrics.py, where changes are made. -->

# Metrics

The portal serves its metrics at `/metrics`, in Prometheus's text format or in OpenMetrics, as the scraper's
header `Accept` says. They are off by default. `DAYPASS_METRICS_LISTEN` serves them on an address of their
own, without authentication; `DAYPASS_METRICS_TOKEN` serves them on the portal's own address to a scraper that
sends this token as `Authorization: Bearer TOKEN`. Both can be set.

With several workers, every scrape covers all of them, whichever worker answers it. Counters and histograms
include workers that have ended since the portal started; gauges are of those that run. Two metrics are of all
replicas, because they are read from the database: take their maximum over the replicas, not their sum.

A label has one of the values listed here, or `{OTHER}` for any value that this page does not list. No label
names a tenant, a user, a role or a path.
"""


def metrics_page() -> str:
    """Return the page of all metrics, in Markdown."""
    paragraphs = INTRODUCTION.rstrip().split("\n\n")
    for metric in METRICS:
        paragraphs += [f"## {metric.name}", metric.help, "\n".join(_facts(metric))]
    return "\n\n".join(map(_wrap_text, paragraphs)) + "\n"


def _wrap_text(paragraph: str) -> str:
    # Lists, headings and comments stay as they are.
    return paragraph if paragraph.startswith(("- ", "<!--", "#")) else wrap(paragraph)


def _facts(metric: Metric) -> Sequence[str]:
    facts = [f"- Type: {metric.kind}{_scope(metric)}"]
    for label, values in metric.labels.items():
        listed = ", ".join(f"`{value}`" for value in values) or "one value, of the release"
        facts.append(f"- Label `{label}`: {listed}")
    if isinstance(metric, Histogram):
        facts.append(f"- Buckets: {', '.join(f'{bound:g}' for bound in metric.buckets)}")
    return facts


def _scope(metric: Metric) -> str:
    return ", read from the database" if isinstance(metric, ReadGauge) else ""
