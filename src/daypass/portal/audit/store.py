"""The database access for audit events."""

from collections.abc import Generator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, insert, select

from daypass.portal.audit.chain import Head
from daypass.portal.storage.prepared import Prepared
from daypass.portal.storage.schema.audit import audit_events

APPEND = Prepared(insert(audit_events))

# The clocks of replicas differ slightly, and naming a head twice is harmless.
_MARGIN = timedelta(hours=1)

# A loose index scan: its cost grows with the number of chains, not with the number of events.
_CHAINS = select(func.min(audit_events.c.chain_id).label("id")).cte("chains", recursive=True)
_CHAINS = _CHAINS.union_all(
    select(
        select(func.min(audit_events.c.chain_id))
        .where(audit_events.c.chain_id > _CHAINS.c.id)
        .scalar_subquery()
    ).where(_CHAINS.c.id.is_not(None))
)

_FIRST, _LAST, _OF_CHAIN = audit_events.alias("first"), audit_events.alias("last"), audit_events.alias()

_HEADS = (
    select(_LAST.c.chain_id, _LAST.c.position, _LAST.c.hash, _LAST.c.at, _FIRST.c.at.label("opened_at"))
    .select_from(_CHAINS)
    .join(_FIRST, and_(_FIRST.c.chain_id == _CHAINS.c.id, _FIRST.c.position == 0))
    .join(
        _LAST,
        and_(
            _LAST.c.chain_id == _CHAINS.c.id,
            _LAST.c.position
            == select(func.max(_OF_CHAIN.c.position))
            .where(_OF_CHAIN.c.chain_id == _CHAINS.c.id)
            .scalar_subquery(),
        ),
    )
)

_LINK = select(audit_events.c.hash).where(
    audit_events.c.chain_id == bindparam("chain"), audit_events.c.position == bindparam("position")
)

_EVENTS = select(audit_events).order_by(audit_events.c.chain_id, audit_events.c.position)


def read_heads(connection: Connection) -> Sequence[Head]:
    """Return the heads of the chains that have grown since the last chain was opened.

    The heads of chains that have not grown since are named in its first event or an earlier one.
    """
    chains = connection.execute(_HEADS).all()
    if not chains:
        return []
    since = max(chain.opened_at for chain in chains) - _MARGIN
    return [Head(chain.chain_id, chain.position, chain.hash) for chain in chains if chain.at >= since]


def read_rows(connection: Connection) -> Generator[Mapping[str, Any], None, None]:
    """Yield every stored event, by chain and position; close the generator if it is not read to its end."""
    with connection.execution_options(yield_per=1000).execute(_EVENTS) as rows:
        yield from (row._asdict() for row in rows)


def count_events(connection: Connection) -> int:
    """Return the number of events in all chains."""
    return connection.scalar(select(func.count()).select_from(audit_events)) or 0


def is_stored(connection: Connection, head: Head) -> bool:
    """Return whether the event of this head is stored with the same hash."""
    stored = connection.scalar(_LINK, {"chain": head.chain_id, "position": head.position})
    return stored == head.hash
