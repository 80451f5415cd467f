"""Metadata of the built package, as a package index shows it."""

import email
import shutil
import subprocess
import sys
import zipfile
from email.message import Message
from pathlib import Path

import pytest

from daypass import __version__

ROOT = Path(__file__).parent.parent
SOURCES = ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "src/daypass/__init__.py")


def built(place: Path, repository: str) -> Message:
    """The metadata of a wheel of this project, whose repository has that public address."""
    for name in SOURCES:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, place / name)
    pyproject = place / "pyproject.toml"
    text = pyproject.read_text()
    assert '\nrepository = ""\n' in text
    pyproject.write_text(text.replace('\nrepository = ""\n', f'\nrepository = "{repository}"\n'))
    uv = shutil.which("uv") or str(Path(sys.prefix, "bin", "uv"))
    subprocess.run([uv, "build", "--quiet", "--wheel", "--out-dir", place / "out"], cwd=place, check=True)
    with zipfile.ZipFile(next((place / "out").glob("*.whl"))) as wheel:
        name = f"daypass-{__version__}.dist-info/METADATA"
        return email.message_from_bytes(wheel.read(name))


@pytest.mark.parametrize("repository", ["", "https://git.example.com/team/daypass"])
def test_no_link_of_the_package_s_page_is_relative(tmp_path: Path, repository: str) -> None:
    metadata = built(tmp_path, repository)

    text = str(metadata.get_payload())
    tag = f"v{__version__}"
    assert text.startswith("# Daypass\n")
    targets = [part.partition(")")[0] for part in text.split("](")[1:]]
    assert all(target.startswith(f"{repository}/") for target in targets)
    assert bool(targets) is bool(repository)
    if repository:
        assert f"({repository}/raw/{tag}/docs/pictures/profile.png)" in text
        assert f"[Changelog]({repository}/blob/{tag}/CHANGELOG.md)" in text
    named = dict(url.split(", ") for url in metadata.get_all("Project-URL", []))
    assert named.get("Source") == (repository or None)
    assert "Programming Language :: Python :: 3.14" in metadata.get_all("Classifier", [])
