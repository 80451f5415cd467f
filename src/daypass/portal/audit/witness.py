"""Heads kept outside the database: JSON lines, each with a chain's last event at one moment."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from daypass.portal.audit.chain import Head

_POSITIONS = 2**31
"""The positions that the column can hold."""


class WitnessError(Exception):
    """The file is no list of heads; the message names the line."""


def head_lines(heads: Sequence[Head], now: datetime) -> Iterator[str]:
    """Return each head as a line of JSON, with the time in ISO 8601."""
    for head in heads:
        line = {"at": now.isoformat(timespec="seconds"), "chain": head.chain_id}
        yield json.dumps({**line, "position": head.position, "hash": head.hash.hex()}) + "\n"


def read_lines(lines: Iterable[str]) -> Iterator[Head]:
    """Read the heads of such lines, one at a time; raise `WitnessError` for any other line, or none."""
    is_empty = True
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        is_empty = False
        head = _read(line)
        if head is None:
            raise WitnessError(f"Line {number} is not a head as `audit heads` prints it.")
        yield head
    if is_empty:
        raise WitnessError("It has no heads. `daypass portal audit heads` prints them.")


def _read(line: str) -> Head | None:
    try:
        found = json.loads(line)
        head = Head(str(found["chain"]), int(found["position"]), bytes.fromhex(found["hash"]))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return head if 0 <= head.position < _POSITIONS and "\0" not in head.chain_id else None
