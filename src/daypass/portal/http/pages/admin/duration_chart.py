"""The duration ruler: every limit on a session's length, drawn to scale, and the one that applies."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from daypass.common.duration_text import format_duration
from daypass.portal.admin.roles.remediation import Remedy
from daypass.portal.admin.settings.duration_report import DurationReport

_HOUR = timedelta(hours=1)
_LEAST_HOURS = 2


@dataclass(frozen=True, slots=True)
class ChartMark:
    """A row of the ruler."""

    label: str
    text: str
    share: float
    """The length in percent of the scale."""
    is_deciding: bool


@dataclass(frozen=True, slots=True)
class DurationChart:
    """A duration ruler, ready for the template."""

    limits: Sequence[ChartMark]
    result: ChartMark
    ticks: Sequence[tuple[float, str]]
    is_capped: bool
    remedy_text: str
    """The step that makes the configured duration take effect; empty if it does already."""
    remedy: Remedy | None
    """The manual remedy, if the portal may not change the role itself."""


def draw_chart(report: DurationReport) -> DurationChart:
    """Return the ruler, scaled from zero to its longest limit."""
    validity = report.validity
    longest = max(limit.duration for limit in validity.limits)
    # Rounded up to whole hours, so that the last tick has a readable number.
    hours = max(_LEAST_HOURS, -(-longest // _HOUR))
    top = hours * _HOUR

    def share(length: timedelta) -> float:
        return round(100 * (length / top), 2)

    return DurationChart(
        limits=[
            ChartMark(
                limit.label,
                format_duration(limit.duration),
                share(limit.duration),
                report.is_capped and limit is validity.deciding_limit,
            )
            for limit in validity.limits
        ],
        result=ChartMark("", format_duration(validity.duration), share(validity.duration), is_deciding=False),
        ticks=[(0, "0"), (50, format_duration(top / 2)), (100, f"{hours} h")],
        is_capped=report.is_capped,
        remedy_text=report.remedy or "",
        remedy=None if report.change is None else report.change.remedy,
    )
