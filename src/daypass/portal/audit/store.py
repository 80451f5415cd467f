"""The audit log's rows."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, insert, select

from daypass.portal.audit.chain import Head
from daypass.portal.storage.schema import audit_events

APPEND = insert(audit_events)

# Clocks of several machines differ a little; naming a head twice does no harm.
_MARGIN = timedelta(hours=1)

_TOPS = (
    select(audit_events.c.chain_id, func.max(audit_events.c.position).label("position"))
    .group_by(audit_events.c.chain_id)
    .subquery()
)

_HEADS = select(
    audit_events.c.chain_id, audit_events.c.position, audit_events.c.hash, audit_events.c.at
).join(
    _TOPS,
    and_(_TOPS.c.chain_id == audit_events.c.chain_id, _TOPS.c.position == audit_events.c.position),
)

_LAST_OPENING = (
    select(func.max(audit_events.c.at))
    .join(_TOPS, _TOPS.c.chain_id == audit_events.c.chain_id)
    .where(audit_events.c.position == 0)
)

_LINK = select(audit_events.c.hash).where(
    audit_events.c.chain_id == bindparam("chain"), audit_events.c.position == bindparam("position")
)

_EVENTS = select(audit_events).order_by(audit_events.c.chain_id, audit_events.c.position)


def read_heads(connection: Connection) -> Sequence[Head]:
    """The heads of the chains that have grown since a chain was opened last; older ones are named already."""
    opened = connection.scalar(_LAST_OPENING)
    if opened is None:
        return []
    return [
        Head(row.chain_id, row.position, row.hash)
        for row in connection.execute(_HEADS)
        if row.at >= opened - _MARGIN
    ]


def read_rows(connection: Connection) -> Iterator[Mapping[str, Any]]:
    """Every event as it is stored, chain by chain, in order."""
    rows = connection.execution_options(yield_per=1000).execute(_EVENTS)
    yield from (row._asdict() for row in rows)


def is_stored(connection: Connection, head: Head) -> bool:
    """Whether that very link is there."""
    stored = connection.scalar(_LINK, {"chain": head.chain_id, "position": head.position})
    return stored == head.hash
