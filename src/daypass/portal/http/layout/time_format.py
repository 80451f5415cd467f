"""Template filters that format times, relative or exact, in UTC."""

from datetime import datetime, timedelta

_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


def exact(moment: datetime) -> str:
    """Format as `24 Nov 2026, 11:26:05 UTC`."""
    return f"{moment:%-d %b %Y, %H:%M:%S} UTC"


def day(moment: datetime) -> str:
    """Format as `24 Nov 2026`."""
    return f"{moment:%-d %b %Y}"


def short(moment: datetime, now: datetime) -> str:
    """Format as `11:26 UTC` today, `23 Nov, 11:26 UTC` this year, with the year otherwise."""
    if moment.date() == now.date():
        return f"{moment:%H:%M} UTC"
    if moment.year == now.year:
        return f"{moment:%-d %b, %H:%M} UTC"
    return f"{moment:%-d %b %Y, %H:%M} UTC"


def left(until: datetime, now: datetime) -> str:
    """Format the time until *until* as `52 min left`, `3 h 5 min left` or `12 days left`; empty when past."""
    rest = until - now
    if rest <= timedelta():
        return ""
    if rest >= 2 * _DAY:
        return f"{rest // _DAY} days left"
    hours, minutes = rest // _HOUR, rest % _HOUR // _MINUTE
    if hours:
        return f"{hours} h {minutes} min left" if minutes else f"{hours} h left"
    if minutes:
        return f"{minutes} min left"
    # The same form as in `countdown.js`, which counts on from this text.
    return f"0:{rest // timedelta(seconds=1):02} min left"


def ago(moment: datetime, now: datetime) -> str:
    """Format the time since *moment* as `just now`, `5 min ago`, `3 h ago` or `12 days ago`."""
    past = now - moment
    if past < _MINUTE:
        return "just now"
    if past < _HOUR:
        return f"{past // _MINUTE} min ago"
    if past < 2 * _DAY:
        return f"{past // _HOUR} h ago"
    return f"{past // _DAY} days ago"
