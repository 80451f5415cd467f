"""The reference pages, by their names."""

from collections.abc import Callable, Mapping
from pathlib import Path

from tests.reference.api import api_page
from tests.reference.audit_actions import audit_actions_page
from tests.reference.cli import cli_page
from tests.reference.configuration import configuration_page
from tests.reference.errors import errors_page
from tests.reference.metrics import metrics_page
from tests.reference.openapi import openapi_file
from tests.reference.settings import settings_page

FOLDER = Path(__file__).parents[2] / "docs" / "reference"

PAGES: Mapping[str, Callable[[], str]] = {
    "api.md": api_page,
    "audit-actions.md": audit_actions_page,
    "cli.md": cli_page,
    "configuration.md": configuration_page,
    "errors.md": errors_page,
    "metrics.md": metrics_page,
    "openapi.json": openapi_file,
    "settings.md": settings_page,
}
"""The functions that make the text of each page or file, by its name."""


def write_pages() -> None:
    """Write every page to its file."""
    FOLDER.mkdir(exist_ok=True)
    for name, make in PAGES.items():
        (FOLDER / name).write_text(make(), encoding="utf-8")
