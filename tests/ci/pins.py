"""The rule that workflows run only code that cannot change without a commit in this repository."""

import re
from collections.abc import Iterator

import yaml

_ACTION = re.compile(r"[\w.-]+/[\w.-]+(/[\w.-]+)*@[0-9a-f]{40}")
_IMAGE = re.compile(r"[^@\s]+@sha256:[0-9a-f]{64}")


def unpinned(text: str) -> list[str]:
    """Return the actions, workflows and images that a workflow or an action uses without a pin.

    An action is pinned by a full commit SHA, an image by its digest; files of this repository need no pin.
    """
    return [used for used, is_image in _used(yaml.safe_load(text)) if not _is_pinned(used, is_image=is_image)]


def _used(node: object) -> Iterator[tuple[str, bool]]:
    """Yield each reference to code from elsewhere, and whether it is an image."""
    if isinstance(node, list):
        for item in node:
            yield from _used(item)
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "uses":
                yield str(value), False
            # BASE is the build argument of our own image.
            elif key in {"image", "container", "BASE"} and isinstance(value, str):
                yield value.removeprefix("docker://"), True
            else:
                yield from _used(value)


def _is_pinned(used: str, *, is_image: bool) -> bool:
    if used.startswith(("./", "$/")) and not is_image:
        return True
    if used.startswith("docker://"):
        return _IMAGE.fullmatch(used) is not None
    return (_IMAGE if is_image else _ACTION).fullmatch(used) is not None
