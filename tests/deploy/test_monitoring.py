"""The dashboard and the alerts of deploy/monitoring: metrics exist, and alerts fire when they should."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from daypass.portal.telemetry.metrics import METRICS
from tests.deploy.promql import SERIES, grouping_labels, metrics_in, mistakes, selectors

ROOT = Path(__file__).parent.parent.parent
ALERTS_FILE = ROOT / "deploy" / "monitoring" / "alerts.yaml"
UNIT_TESTS_FILE = Path(__file__).parent / "alerts.test.yaml"
GUIDE = ROOT / "docs" / "guides" / "monitoring.md"

ALERTS = [rule for group in yaml.safe_load(ALERTS_FILE.read_text())["groups"] for rule in group["rules"]]
ALERT_NAMES = [alert["alert"] for alert in ALERTS]
UNIT_TESTS = yaml.safe_load(UNIT_TESTS_FILE.read_text())["tests"]
DASHBOARD = json.loads((ROOT / "deploy" / "monitoring" / "dashboard.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]

DATA_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
NOT_ON_THE_DASHBOARD: frozenset[str] = frozenset()
"""Metrics that the dashboard leaves out on purpose."""


def targets() -> Iterator[tuple[str, Mapping[str, Any]]]:
    for panel in PANELS:
        for target in panel["targets"]:
            yield f"{panel['title']}: {target['legendFormat']}", target


TARGETS = dict(targets())
QUERIES = {
    **{name: target["expr"] for name, target in TARGETS.items()},
    **{alert["alert"]: alert["expr"] for alert in ALERTS},
}


def promtool(*arguments: object) -> tuple[int, str]:
    # scripts/test unpacks it beside this Python, unless the machine has one.
    unpacked = Path(sys.executable).with_name("promtool")
    command = [str(unpacked) if unpacked.exists() else "promtool", *map(str, arguments)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return ran.returncode, ran.stdout + ran.stderr


def with_values(query: str) -> str:
    """A query as Grafana sends it."""
    query = query.replace("$__rate_interval", "2m").replace("$job", "daypass").replace("$instance", ".+")
    assert "$" not in query
    return query


def check_syntax(folder: Path, queries: Sequence[str]) -> tuple[int, str]:
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]
    file = folder / "queries.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    return promtool("check", "rules", "--lint=none", file)


@pytest.mark.parametrize("name", QUERIES)
def test_each_query_asks_for_what_the_portal_has(name: str) -> None:
    assert mistakes(QUERIES[name]) == []


@pytest.mark.parametrize(
    ("query", "mistake"),
    [
        ("sum(rate(daypass_issuance_total[5m]))", "unknown metric: daypass_issuance_total"),
        ("sum(rate(daypass_commit_batch_size[5m]))", "unknown metric: daypass_commit_batch_size"),
        ("max(daypas_live_sessions)", "unknown metric: daypas_live_sessions"),
        ("time()", "no metric"),
        (
            'sum(rate(daypass_issuances_total{result="issued"}[5m]))',
            "daypass_issuances_total has no label result",
        ),
        (
            'sum(rate(daypass_issuances_total{outcome=~"issued|lost"}[5m]))',
            "outcome of daypass_issuances_total is never lost",
        ),
        (
            "sum by (job, result) (rate(daypass_issuances_total[5m]))",
            "daypass_issuances_total has no label result",
        ),
        ("sum(daypass_issuances_total)", "daypass_issuances_total is a counter"),
        ("rate(daypass_role_queue_depth[5m])", "daypass_role_queue_depth is no counter"),
        ("sum(daypass_live_sessions)", "daypass_live_sessions is of all replicas: its maximum, not a sum"),
        (
            "max by (instance) (daypass_live_sessions)",
            "daypass_live_sessions is of all replicas: its maximum, not a sum",
        ),
        (
            "histogram_quantile(0.5, sum(rate(daypass_commit_duration_seconds_bucket[5m])))",
            "daypass_commit_duration_seconds_bucket without le",
        ),
    ],
)
def test_a_mistake_in_a_query_is_found(query: str, mistake: str) -> None:
    assert mistakes(query) == [mistake]


def test_prometheus_accepts_every_query_of_the_dashboard(tmp_path: Path) -> None:
    status, output = check_syntax(tmp_path, [with_values(target["expr"]) for target in TARGETS.values()])

    assert status == 0, output


def test_a_query_with_wrong_syntax_is_found(tmp_path: Path) -> None:
    assert check_syntax(tmp_path, ["sum(up"])[0] != 0


def test_prometheus_accepts_the_alerts() -> None:
    status, output = promtool("check", "rules", "--lint-fatal", ALERTS_FILE)

    assert status == 0, output


def test_each_alert_fires_when_it_should_and_not_before() -> None:
    status, output = promtool("test", "rules", UNIT_TESTS_FILE)

    assert status == 0, output


def test_each_alert_has_a_unit_test_in_which_it_is_quiet_and_then_fires() -> None:
    groups = {group["name"]: group["promql_expr_test"] for group in UNIT_TESTS}
    for name in ALERT_NAMES:
        quiet, firing, *_ = groups.pop(name)
        query = f'count by (alertname) (ALERTS{{alertname="{name}", alertstate="firing"}})'
        assert (quiet["expr"], quiet["exp_samples"]) == (query, [])
        assert (firing["expr"], [sample["value"] for sample in firing["exp_samples"]]) == (query, [1])

    assert list(groups) == ["healthy"]
    assert all((check["expr"], check["exp_samples"]) == ("ALERTS", []) for check in groups["healthy"])


def test_a_healthy_portal_has_every_metric_that_an_alert_reads() -> None:
    """An alert is also quiet if its metric is missing, which would test nothing."""
    (healthy,) = (group for group in UNIT_TESTS if group["name"] == "healthy")
    given = {selector.name for series in healthy["input_series"] for selector in selectors(series["series"])}

    assert given == {selector.name for alert in ALERTS for selector in selectors(alert["expr"])}


def test_series_of_the_unit_tests_exist() -> None:
    for group in UNIT_TESTS:
        for series in group["input_series"]:
            (selector,) = selectors(series["series"])
            assert selector.name in SERIES
            matched = SERIES[selector.name].labels
            for label, value in selector.matchers:
                if label not in {"job", "instance", "le"}:
                    assert value in matched[label]


@pytest.mark.parametrize("alert", ALERTS, ids=ALERT_NAMES)
def test_each_alert_says_what_happens_and_where_the_remedy_is(alert: Mapping[str, Any]) -> None:
    annotations = alert["annotations"]

    assert alert["labels"] in ({"severity": "critical"}, {"severity": "warning"})
    assert annotations.keys() == {"summary", "description", "runbook"}
    assert annotations["summary"] != annotations["description"]
    assert annotations["runbook"] == f"docs/guides/monitoring.md#{alert['alert'].lower()}"
    used = set(re.findall(r"\$labels\.(\w+)", annotations["summary"] + annotations["description"]))
    # `up` has all labels of the target, because the alert does not aggregate it.
    assert used <= (grouping_labels(alert["expr"]) or {"job", "instance"})


def test_the_guide_has_one_section_for_each_alert_in_their_order() -> None:
    assert re.findall(r"^### (Daypass\w+)$", GUIDE.read_text(), re.MULTILINE) == ALERT_NAMES
    assert len(set(ALERT_NAMES)) == len(ALERT_NAMES)


def test_every_metric_is_on_the_dashboard_or_left_out_on_purpose() -> None:
    shown = {name for target in TARGETS.values() for name in metrics_in(target["expr"])}

    assert shown | NOT_ON_THE_DASHBOARD == {metric.name for metric in METRICS}
    assert not shown & NOT_ON_THE_DASHBOARD


@pytest.mark.parametrize("name", TARGETS)
def test_legends_name_labels_that_the_result_has(name: str) -> None:
    target = TARGETS[name]

    named = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
    assert named == grouping_labels(target["expr"]) - {"le"}


def test_each_query_is_of_the_chosen_job_and_replicas() -> None:
    for target in TARGETS.values():
        for selector in selectors(target["expr"]):
            assert {("job", "$job"), ("instance", "$instance")} <= set(selector.matchers)


def test_the_dashboard_can_be_imported_into_any_grafana() -> None:
    """A dashboard for any Grafana has no number of its own and no data source of another Grafana."""
    assert "id" not in DASHBOARD
    assert [variable["name"] for variable in DASHBOARD["templating"]["list"]] == [
        "datasource",
        "job",
        "instance",
    ]
    sources = [panel["datasource"] for panel in PANELS]
    sources += [target["datasource"] for target in TARGETS.values()]
    sources += [
        variable["datasource"] for variable in DASHBOARD["templating"]["list"] if "datasource" in variable
    ]
    assert all(source == DATA_SOURCE for source in sources)


def test_panels_have_numbers_and_places_of_their_own() -> None:
    numbers = [panel["id"] for panel in DASHBOARD["panels"]]
    taken = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]

    assert len(set(numbers)) == len(numbers)
    assert len(set(taken)) == len(taken)
    assert max(x for x, _ in taken) < 24
    for panel in PANELS:
        references = [target["refId"] for target in panel["targets"]]
        assert len(set(references)) == len(references)
        assert panel["description"]
