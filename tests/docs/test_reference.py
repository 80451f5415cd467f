"""The generated reference pages are up to date, and the settings have the texts that theirs needs."""

import re
from typing import Any

import pytest

from daypass.portal.admin.reauthentication import ACTIONS
from daypass.portal.settings.registry import REGISTRY
from daypass.portal.settings.setting import Setting
from tests.docs_site.stage import ROOT
from tests.reference.audit_actions import SECTIONS
from tests.reference.errors import kinds_by_code
from tests.reference.openapi import operations
from tests.reference.recorded_actions import recorded_actions
from tests.reference.registry import FILES, FOLDER


@pytest.mark.parametrize("path", FILES)
def test_the_file_is_up_to_date(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == FILES[path](), "Run scripts/reference."


@pytest.mark.parametrize("setting", list(REGISTRY), ids=lambda setting: setting.wire_name)
def test_every_setting_is_documented(setting: Setting[Any]) -> None:
    for text in (setting.help, setting.documentation):
        assert text.endswith(".")
        assert "\n" not in text


@pytest.mark.parametrize("code", kinds_by_code())
def test_every_error_code_is_documented(code: str) -> None:
    assert f"\n### {code}\n" in (FOLDER / "errors.md").read_text(encoding="utf-8"), (
        "Change tests/reference/errors.py."
    )


def test_every_oauth_error_is_documented() -> None:
    text = (FOLDER / "errors.md").read_text(encoding="utf-8")
    source = "".join(file.read_text() for file in (ROOT / "src/daypass/portal").rglob("*.py"))
    raised = set(re.findall(r"(?:OAuthRefused\(|super\(\).__init__\()\s*\"([a-z_]+)\"", source))
    answered = set(re.findall(r"\berror = \"([a-z_]+)\"", source)) | {"access_denied"}

    assert len(raised) >= 6
    assert {error for error in raised | answered if f"| `{error}` |" not in text} == set()


def test_every_action_of_the_source_is_found() -> None:
    found = recorded_actions()

    assert [call.place for call in found if call.action is None] == []
    assert {"session.issue", "inventory", "user.create", "role.restore"} <= {call.action for call in found}


def test_exactly_the_recorded_actions_are_documented() -> None:
    documented = [action.name for section in SECTIONS.values() for action in section]

    assert sorted(documented) == sorted({call.action or "" for call in recorded_actions()})


def test_every_administrative_action_is_in_the_table_of_the_guide() -> None:
    documented = {action.name for section in SECTIONS.values() for action in section}

    # These are refused or only read, and record no event of that name.
    unrecorded = {
        "user.import.check",
        "role.retry",
        "audit.verify",
        "infrastructure.change",
        "local_access.approve",
    }
    assert ACTIONS.keys() - documented == unrecorded


def test_every_operation_and_object_is_documented_once() -> None:
    text = (FOLDER / "api.md").read_text(encoding="utf-8")
    headings = re.findall(r"^### (.+)$", text, re.MULTILINE)
    every = [operation for of_resource in operations().values() for operation in of_resource]

    assert len(headings) == len(set(headings))
    for operation in every:
        assert text.count(f"```text\n{operation.method} {operation.described_path}\n```") == 1
