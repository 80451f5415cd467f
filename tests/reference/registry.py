"""The reference pages, and the other files that are made from the code."""

from collections.abc import Callable, Mapping
from pathlib import Path

from tests.reference.api import api_page
from tests.reference.audit_actions import audit_actions_page
from tests.reference.cli import cli_page
from tests.reference.configuration import configuration_page
from tests.reference.errors import errors_page
from tests.reference.metrics import metrics_page
from tests.reference.openapi import openapi_file
from tests.reference.prometheus_rule import prometheus_rule
from tests.reference.real_account import real_account_page
from tests.reference.settings import settings_page
from tests.reference.tenant_services import tenant_services_page

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "reference"

PAGES: Mapping[str, Callable[[], str]] = {
    "api.md": api_page,
    "audit-actions.md": audit_actions_page,
    "cli.md": cli_page,
    "configuration.md": configuration_page,
    "errors.md": errors_page,
    "metrics.md": metrics_page,
    "openapi.json": openapi_file,
    "settings.md": settings_page,
    "tenant-services.md": tenant_services_page,
}
"""The functions that make the text of each page or file, by its name."""

FILES: Mapping[str, Callable[[], str]] = {
    **{f"docs/reference/{name}": make for name, make in PAGES.items()},
    "docs/guides/real-account.md": real_account_page,
    "deploy/kubernetes/monitoring/prometheusrule.yaml": prometheus_rule,
}
"""The functions that make the text of each file, by its path in the repository."""


def write_files() -> None:
    """Write every file."""
    FOLDER.mkdir(exist_ok=True)
    for path, make in FILES.items():
        (ROOT / path).write_text(make(), encoding="utf-8")
