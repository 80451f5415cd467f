"""How the package is named and installed, in every text that a user reads."""

import re
from pathlib import Path

import pytest

from daypass.common.package import PUBLIC_NAME, install_advice, install_target

ROOT = Path(__file__).parent.parent
TEXTS = [
    path
    for folder in ("src", "docs", "scripts", "benchmarks")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in {".py", ".md", ".html", ".txt", ".js", ""} and path.is_file()
] + [
    ROOT / name
    for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "SUPPORT.md", "deploy/terraform/README.md")
]

FROM_THE_INDEX = re.compile(
    r"(pip|pipx|uv tool|uv pip) (install|run)( -\S+)* [\"']?daypass(?![\w./-])|uvx (--from )?daypass"
)
"""A command that would take the package from the public index."""


def test_no_text_installs_the_package_from_an_index_that_does_not_have_it() -> None:
    assert PUBLIC_NAME is None
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in TEXTS
        for match in FROM_THE_INDEX.finditer(path.read_text())
    ]

    assert found == []


@pytest.mark.parametrize("extra", ["", "server", "server,sandbox"])
def test_a_release_switches_every_instruction_to_the_public_name(extra: str) -> None:
    target = f"'daypass-portal[{extra}]'" if extra else "daypass-portal"

    assert "daypass-1.2.3-py3-none-any.whl" in install_advice("1.2.3", extra)
    assert install_target("1.2.3", extra, "daypass-portal") == target
    assert install_advice("1.2.3", extra, "daypass-portal") == f"pip install {target}"
