"""Reading and writing heads that are kept outside the database, as JSON lines."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from daypass.portal.audit.chain import Head

_POSITIONS = 2**31
"""The exclusive upper bound of the positions that the column can hold."""


class WitnessError(Exception):
    """The input is not a list of heads; the message names the line."""


def head_lines(heads: Sequence[Head], now: datetime) -> Iterator[str]:
    """Yield each head as a line of JSON with the given time."""
    for head in heads:
        line = {"at": now.isoformat(timespec="seconds"), "chain": head.chain_id}
        yield json.dumps({**line, "position": head.position, "hash": head.hash.hex()}) + "\n"


def read_lines(lines: Iterable[str]) -> Iterator[Head]:
    """Yield the head in each line; raises `WitnessError` for a malformed line or if there are no heads."""
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
        raise WitnessError("The file has no heads. `daypass portal audit heads` prints them.")


def _read(line: str) -> Head | None:
    try:
        fields = json.loads(line)
        head = Head(str(fields["chain"]), int(fields["position"]), bytes.fromhex(fields["hash"]))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return head if 0 <= head.position < _POSITIONS and "\0" not in head.chain_id else None
