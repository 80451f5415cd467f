"""The reference page of the settings."""

from collections.abc import Sequence
from typing import Any

from daypass.portal.settings.registry import REGISTRY
from daypass.portal.settings.setting import Setting
from tests.reference.markdown import wrap, wrapped

_SETTINGS = """\
<!-- Written by scripts/reference from src/daypass/portal/settings/registry.py, where changes are made. -->

# Settings

Administrators change settings while the portal runs; the next request uses the new value. A value is set
for the whole portal under **System Settings**, and for one tenant in the tenant's **Settings**.
`daypass apply` ([as code](../guides/as-code.md)) and the APIs use the type and the key. A setting that is
not set, or whose stored value is invalid, has its default.

A change that permits more, or for longer, needs reauthentication ([administrative
actions](../guides/administrative-actions.md)). Keys that are not listed here are stored for the tools that
use them, and have no effect on the portal.
"""


def settings_page() -> str:
    """Return the page of all settings, in Markdown."""
    paragraphs = [wrapped(_SETTINGS)]
    for heading, is_per_tenant in (("For the whole portal", False), ("For one tenant", True)):
        paragraphs.append(f"## {heading}")
        for setting in REGISTRY:
            if setting.is_per_tenant is is_per_tenant:
                paragraphs += _section(setting)
    return "\n\n".join(paragraphs) + "\n"


def _section(setting: Setting[Any]) -> Sequence[str]:
    name = f"type `{setting.type}`, key `{setting.key}`" if setting.type else f"key `{setting.key}`"
    facts = (
        f"- Name: {name}",
        f"- Values: {setting.accepted_values}",
        f"- Default: {_default(setting)}",
    )
    return f"### {setting.label}", wrap(f"{setting.help} {setting.documentation}"), "\n".join(facts)


def _default(setting: Setting[Any]) -> str:
    if setting.default is None:
        return "none"
    text, meaning = setting.codec.to_text(setting.default), setting.codec.describe(setting.default)
    return f"{text} ({meaning})" if meaning else text
