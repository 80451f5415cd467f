"""The alerts as a resource of the Prometheus Operator."""

from pathlib import Path
from textwrap import indent

ALERTS = Path(__file__).parents[2] / "deploy" / "monitoring" / "alerts.yaml"

_HEAD = """\
# Written by scripts/reference from deploy/monitoring/alerts.yaml, where changes are made.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: daypass
  labels:
    app.kubernetes.io/name: daypass
spec:
"""


def prometheus_rule() -> str:
    """Return the alerts as a PrometheusRule, in YAML."""
    _, groups, rules = ALERTS.read_text(encoding="utf-8").partition("groups:\n")
    return _HEAD + indent(groups + rules, "  ")
