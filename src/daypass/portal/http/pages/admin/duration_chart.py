"""How long a session lives, drawn to scale: each limit, and which one decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from daypass.portal.admin.roles.remediation import Remedy
from daypass.portal.admin.settings.duration_report import DurationReport
from daypass.portal.http.core.duration_text import written

_HOUR = timedelta(hours=1)
_LEAST_HOURS = 2


@dataclass(frozen=True, slots=True)
class ChartMark:
    """One line of the ruler."""

    label: str
    text: str
    share: float
    """How far it reaches, in percent of the scale."""
    is_deciding: bool


@dataclass(frozen=True, slots=True)
class DurationChart:
    """A ruler, ready to be drawn."""

    limits: Sequence[ChartMark]
    result: ChartMark
    ticks: Sequence[tuple[float, str]]
    is_capped: bool
    says: str
    """What to do for what is configured to have its effect; empty where it has."""
    remedy: Remedy | None
    """The same as lines for somebody who may, where the portal may not."""


def drawn(ruler: DurationReport) -> DurationChart:
    """The ruler to scale, from nothing to the longest of its limits."""
    validity = ruler.validity
    longest = max(limit.validity for limit in validity.limits)
    hours = max(_LEAST_HOURS, -(-longest // _HOUR))
    top = hours * _HOUR

    def share(length: timedelta) -> float:
        return round(100 * (length / top), 2)

    return DurationChart(
        limits=[
            ChartMark(
                limit.label,
                written(limit.validity),
                share(limit.validity),
                ruler.is_capped and limit is validity.decided,
            )
            for limit in validity.limits
        ],
        result=ChartMark("", written(validity.length), share(validity.length), is_deciding=False),
        ticks=[(0, "0"), (50, written(top / 2)), (100, f"{hours} h")],
        is_capped=ruler.is_capped,
        says=ruler.remedy or "",
        remedy=None if ruler.change is None else ruler.change.remedy,
    )
