"""`scripts/release` builds the files of a release, and refuses a tag that does not fit the code."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from daypass import __version__

ROOT = Path(__file__).parents[2]
FILES = ("pyproject.toml", "uv.lock", "hatch_build.py", "README.md", "LICENSE")

CHANGELOG = """# Changelog

## Unreleased

### Fixed

- Something that is not out yet.

## 7.8.9 – 2026-11-30

### Added

- The thing that this release is about.

## 7.8.8 – 2026-10-30

- Something old.
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone whose code and changelog have the version 7.8.9."""
    place = tmp_path / "clone"
    for folder in ("scripts", "src"):
        shutil.copytree(ROOT / folder, place / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, place / name)
    package = place / "src" / "daypass" / "__init__.py"
    package.write_text(re.sub(r'__version__ = ".*"', '__version__ = "7.8.9"', package.read_text()))
    (place / "CHANGELOG.md").write_text(CHANGELOG)
    return place


def release(clone: Path, tag: str) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(
        ["scripts/release", tag, "out"],
        cwd=clone,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_release_has_packages_a_bill_of_materials_checksums_and_notes(clone: Path) -> None:
    done = release(clone, "v7.8.9")

    assert (done.returncode, done.stdout) == (0, "public-name=\n"), done.stderr
    out = clone / "out"
    packages = sorted(path.name for path in (out / "packages").iterdir())
    assert packages == ["daypass-7.8.9-py3-none-any.whl", "daypass-7.8.9.tar.gz"]
    assert (out / "notes.md").read_text().strip() == "### Added\n\n- The thing that this release is about."
    assert (out / "SHA256SUMS").read_text().splitlines() == [
        f"{hashlib.sha256((out / 'packages' / name).read_bytes()).hexdigest()}  {name}" for name in packages
    ]
    sbom = json.loads((out / "sbom.cdx.json").read_text())
    assert (sbom["bomFormat"], sbom["specVersion"]) == ("CycloneDX", "1.5")
    assert (sbom["metadata"]["component"]["name"], sbom["metadata"]["component"]["version"]) == (
        "daypass",
        "7.8.9",
    )
    named = {component["name"] for component in sbom["components"]}
    assert {"click", "starlette", "ministack", "opentelemetry-sdk"} <= named
    assert not {"pytest", "mypy"} & named


@pytest.mark.parametrize("tag", ["v7.8.8", "7.8.9", "v7.8.9.1", "v7x8x9", ""])
def test_a_tag_of_another_version_is_refused(clone: Path, tag: str) -> None:
    done = release(clone, tag)

    assert (done.returncode, done.stdout) == (1, "")
    assert "the tag must be v7.8.9" in done.stderr
    assert not (clone / "out").exists()


def test_a_version_without_notes_is_refused(clone: Path) -> None:
    (clone / "CHANGELOG.md").write_text(CHANGELOG.replace("7.8.9", "7.8.7"))

    done = release(clone, "v7.8.9")

    assert (done.returncode, done.stdout) == (1, "")
    assert 'no text under a heading "## 7.8.9"' in done.stderr


def test_a_public_name_that_is_not_the_name_of_the_package_is_refused(clone: Path) -> None:
    module = clone / "src" / "daypass" / "common" / "package.py"
    module.write_text(
        module.read_text().replace("PUBLIC_NAME: str | None = None", 'PUBLIC_NAME: str | None = "other"')
    )

    done = release(clone, "v7.8.9")

    assert (done.returncode, done.stdout) == (1, "")
    assert "PUBLIC_NAME is other" in done.stderr


def test_an_existing_folder_is_left_alone(clone: Path) -> None:
    (clone / "out").mkdir()

    done = release(clone, "v7.8.9")

    assert (done.returncode, done.stdout) == (1, "")
    assert "out exists already" in done.stderr


def test_the_changelog_has_a_dated_section_for_the_version_in_the_code() -> None:
    headings = re.findall("^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert headings[0] == "Unreleased"
    assert re.fullmatch(rf"{re.escape(__version__)} – \d{{4}}-\d\d-\d\d", headings[1])


def test_guides_name_the_version_in_the_code() -> None:
    pattern = re.compile(r"daypass-(\d[\w.]*)-py3|aws-credentials@(\d[\w.]*)|daypass@COMMIT # v(\d[\w.]*)")
    named = {
        next(filter(None, match.groups()))
        for path in (ROOT / "docs" / "guides").glob("*.md")
        for match in pattern.finditer(path.read_text())
    }

    assert named == {__version__}
