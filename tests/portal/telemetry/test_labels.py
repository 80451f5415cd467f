"""No label has a value that is not declared, whatever is recorded."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daypass.portal.access.model import Channel, State
from daypass.portal.errors import AwsError, PortalError
from daypass.portal.identity.providers.base import LOCAL_PASSWORD
from daypass.portal.identity.scopes import ScopeKind
from daypass.portal.telemetry.metrics import (
    AWS_ERRORS,
    HTTP_SECONDS,
    ISSUANCES,
    METRICS,
    REFUSALS,
    SIGN_INS,
    Stage,
)
from daypass.portal.telemetry.metrics_model import OTHER, Counter, Gauge, Histogram, Metric
from daypass.portal.tenants.model import Access
from tests.portal.http.world import World
from tests.portal.telemetry.recorded import Recorded
from tests.reference.errors import subclasses

# The labels of the build's metric are of the release, and only the portal sets them.
RECORDED = [metric for metric in METRICS if metric.labels and metric.name != "daypass_build_info"]
_SUFFIXES = ("_bucket", "_sum", "_count", "_created")


def codes_of(base: type[PortalError]) -> set[str]:
    # Errors of tests are not the portal's.
    return {
        kind.code
        for kind in subclasses(base)
        if "code" in vars(kind) and kind.__module__.startswith("daypass.")
    }


def test_the_declared_labels_are_the_values_that_the_portal_has(world: World) -> None:
    assert set(ISSUANCES.labels["channel"]) == set(Channel)
    assert set(ISSUANCES.labels["scope"]) == {ScopeKind.ADMIN, ScopeKind.TENANT}
    assert set(ISSUANCES.labels["access"]) == {*Access, "none"}
    assert set(ISSUANCES.labels["outcome"]) == set(State) - {State.REQUESTED}
    assert set(HTTP_SECONDS.labels["channel"]) == {channel.name for channel in world.portal.channels}
    assert set(SIGN_INS.labels["provider"]) == {LOCAL_PASSWORD, "passkey"}
    assert set(SIGN_INS.labels["outcome"]) - {"ok"} <= codes_of(PortalError)
    assert set(REFUSALS.labels["code"]) == codes_of(PortalError)
    assert set(AWS_ERRORS.labels["code"]) == codes_of(AwsError)


ANY = st.one_of(
    st.text(max_size=50),
    st.sampled_from(["Throttling", "GET", "2xx", "aws_refused", OTHER, "tenant", "full", *Stage]),
)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(RECORDED), st.lists(ANY, min_size=4, max_size=4)), min_size=5))
def test_whatever_is_recorded_no_series_has_an_undeclared_value(
    recorded: Recorded, given_values: list[tuple[Metric, list[str]]]
) -> None:
    for metric, enough in given_values:
        values = enough[: len(metric.labels)]
        match metric:
            case Counter():
                metric.count(*values)
            case Histogram():
                metric.observe(0.1, *values)
            case Gauge():
                metric.set(1, *values)

    check(recorded)


def check(recorded: Recorded) -> None:
    """Fail if a series has a value that is not declared."""
    declared = {metric.name: metric for metric in METRICS}
    for name, labels in recorded.samples():
        family = name
        for suffix in _SUFFIXES:
            family = family.removesuffix(suffix) if family not in declared else family
        for label, value in labels - {pair for pair in labels if pair[0] == "le"}:
            allowed = declared[family].labels[label]
            assert value in allowed or value == OTHER or not allowed, (name, label, value)


def test_a_series_is_not_kept_for_each_undeclared_value() -> None:
    metric = Counter("made_up_total", "Made up.", {"a": ("x", "y")})

    assert metric.bounded(("x",)) == ("x",)
    assert metric.bounded(("z",)) == (OTHER,)
    with pytest.raises(ValueError, match="zip"):
        metric.bounded(("x", "y"))


def test_no_label_of_a_metric_could_name_a_person() -> None:
    labels = {label for metric in METRICS for label in metric.labels}

    assert labels == {
        "access",
        "action",
        "channel",
        "class",
        "code",
        "outcome",
        "pool",
        "provider",
        "python",
        "scope",
        "service",
        "stage",
        "status",
        "version",
    }


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_the_names_follow_the_conventions_of_prometheus(metric: Metric) -> None:
    assert metric.name.startswith("daypass_")
    assert metric.name.endswith("_total") is isinstance(metric, Counter)
    assert metric.help.endswith(".")
    assert "duration" not in metric.name or metric.name.endswith("_seconds")
    assert not any("." in label or label.startswith("_") for label in metric.labels)
