"""Patches of modules that MiniStack imports with the first request for their service."""

import importlib
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any, TypeAlias

_Module: TypeAlias = Any
"""A module of MiniStack, which has no types."""


def on_import(name: str, patch: Callable[[_Module], None]) -> None:
    """Apply *patch* to the module *name*: now if it is loaded, and otherwise right after its import.

    An import at the start would cost a tenth of a second for each of the large services.
    """
    if name in sys.modules:
        patch(importlib.import_module(name))
    else:
        sys.meta_path.insert(0, _PatchingFinder(name, patch))


class _PatchingFinder:
    """A finder of one module, whose loader patches the module after executing it."""

    def __init__(self, name: str, patch: Callable[[_Module], None]) -> None:
        self._name = name
        self._patch = patch

    def find_spec(
        self, name: str, path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of the one module, with a patching loader, and None for any other."""
        spec = PathFinder.find_spec(name, path) if name == self._name else None
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def execute_and_patch(module: ModuleType) -> None:
            execute(module)
            self._patch(module)

        spec.loader.exec_module = execute_and_patch  # type: ignore[method-assign]  # of this one loader
        return spec
