"""Pages do not change the case of names, because names in AWS are case-sensitive."""

from pathlib import Path

import daypass.portal.http as http

SOURCES = [path for path in Path(http.__file__).parent.rglob("*") if path.suffix in {".html", ".css"}]


def test_no_page_changes_the_case_of_a_name() -> None:
    changed = [
        f"{path.name}: {line.strip()}"
        for path in SOURCES
        for line in path.read_text().splitlines()
        # The letter on a tile is decoration, not a name.
        if "text-transform" in line or "upper" in line.replace("[:1] | upper", "")
    ]

    assert changed == []
