"""Writes the table of known actions; `scripts/actions` runs this."""

from collections import defaultdict
from pathlib import Path

from tests.evaluator.authorization_data import every_action

TABLE = Path(__file__).parents[2] / "src" / "daypass" / "portal" / "aws" / "fence" / "known_actions.txt"


def table() -> str:
    """Return the table of the installed authorization data: a line for each prefix, with its actions."""
    by_prefix: dict[str, list[str]] = defaultdict(list)
    for action in every_action():
        prefix, _, name = action.partition(":")
        by_prefix[prefix].append(name)
    lines = [f"{prefix}: {' '.join(sorted(names))}" for prefix, names in sorted(by_prefix.items())]
    return "\n".join(["# The actions of AWS's services; written by scripts/actions.", *lines]) + "\n"


if __name__ == "__main__":
    TABLE.write_text(table(), encoding="utf-8")
