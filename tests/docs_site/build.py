"""Builds the documentation site with Zensical."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.docs_site.stage import ROOT, stage


class BuildFailed(RuntimeError):
    """Zensical gave a warning or an error, which is the message."""


def build(folder: Path, repository: str = "") -> None:
    """Build the site into *folder*, whose content is replaced; *repository* is as in `stage`.

    Raises `BuildFailed` and `BrokenLink`.
    """
    with tempfile.TemporaryDirectory(prefix="daypass-docs-") as name:
        place = Path(name)
        stage(place / "docs", repository)
        built = build_staged(place)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(built, folder)


def build_staged(place: Path) -> Path:
    """Build the site from the sources in *place*/docs, and return its folder; raises `BuildFailed`."""
    shutil.copyfile(ROOT / "zensical.toml", place / "zensical.toml")
    command = [sys.executable, "-m", "zensical", "build", "--strict"]
    result = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise BuildFailed(f"{result.stdout}{result.stderr}")
    return place / "site"
