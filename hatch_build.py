"""Metadata of the built package: a README whose links work outside the repository, and the project's URLs."""

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_PICTURE = re.compile(r"!\[([^]]*)\]\((?!https?:|#)([^)]+)\)\n?")
_LINK = re.compile(r"\[([^]]+)\]\((?!https?:|#)([^)]+)\)")


class CustomMetadataHook(MetadataHookInterface):
    """Set `readme` and `urls` from README.md and the repository's public address in pyproject.toml."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Fill in the two dynamic fields."""
        repository = str(self.config.get("repository", "")).rstrip("/")
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        tag = f"v{metadata['version']}"
        metadata["readme"] = {"content-type": "text/markdown", "text": portable(text, repository, tag)}
        metadata["urls"] = urls(repository, tag) if repository else {}


def portable(text: str, repository: str, tag: str) -> str:
    """Return the Markdown with absolute links, or plain text without a public address."""
    if not repository:
        return _LINK.sub(r"\1", _PICTURE.sub("", text))
    text = _PICTURE.sub(rf"![\1]({repository}/raw/{tag}/\2)\n", text)
    return _LINK.sub(rf"[\1]({repository}/blob/{tag}/\2)", text)


def urls(repository: str, tag: str) -> dict[str, str]:
    """Return the links that a package index shows beside the description."""
    return {
        "Source": repository,
        "Documentation": f"{repository}/tree/{tag}/docs",
        "Changelog": f"{repository}/blob/{tag}/CHANGELOG.md",
        "Issues": f"{repository}/issues",
        "Security": f"{repository}/blob/{tag}/SECURITY.md",
    }
