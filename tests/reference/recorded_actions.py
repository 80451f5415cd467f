"""The actions of audit events, found in the portal's source."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PORTAL = Path(__file__).parents[2] / "src" / "daypass" / "portal"

_MAKERS = frozenset(
    {"Event", "ChangeRequest", "PlannedChange", "single_change", "provisioning_event", "require_rate"}
)
"""The functions and classes that take the action of an event, everywhere."""


_RELEVANT = re.compile(rf"\b(?:action|{'|'.join(sorted(_MAKERS))}|[A-Z_]+ = \")")


@dataclass(frozen=True, slots=True)
class Found:
    """The argument of a call that is the action of an event."""

    place: str
    action: str | None
    """None if the source does not show it, which the test of this module does not accept."""


@cache
def recorded_actions() -> Sequence[Found]:
    """Return each action that a call in the portal names; calls that pass on a parameter are left out."""
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(PORTAL.rglob("*.py"))}
    modules = {path: ast.parse(text) for path, text in texts.items() if _RELEVANT.search(text)}
    constants: dict[str, str] = {}
    for tree in modules.values():
        constants |= _constants(tree)
    positions: dict[str, int] = {}
    for tree in modules.values():
        positions |= {name: at for name, at in _positions(tree).items() if name in _MAKERS}
    found: list[Found] = []
    for path, tree in modules.items():
        # Private functions are called by their own module only, and other modules have some of the same name.
        own = {name: at for name, at in _positions(tree).items() if name.startswith("_")}
        known = {**constants, **_constants(tree)}
        if not _imports_event(tree):
            own = {}
        found += _calls(path, tree, {**positions, **own}, known)
    return found


def _imports_event(tree: ast.Module) -> bool:
    names = {
        alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    return bool(names & _MAKERS)


def _constants(tree: ast.Module) -> Mapping[str, str]:
    return {
        node.targets[0].id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    }


def _positions(tree: ast.Module) -> Mapping[str, int]:
    """Return the place of the parameter `action` by the name of the function or data class."""
    found = {}
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.FunctionDef):
            names = [parameter.arg for parameter in node.args.args if parameter.arg != "self"]
        elif isinstance(node, ast.ClassDef):
            names = [
                field.target.id
                for field in node.body
                if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
            ]
        if "action" in names and isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = names.index("action")
    return found


def _calls(
    path: Path, tree: ast.Module, positions: Mapping[str, int], constants: Mapping[str, str]
) -> Iterator[Found]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        # `threading.Event` has no arguments.
        if name not in positions or not (node.args or node.keywords):
            continue
        argument = next((word.value for word in node.keywords if word.arg == "action"), None)
        if argument is None:
            argument = node.args[positions[name]]
        if ast.unparse(argument).endswith("action"):
            continue
        place = f"{path.relative_to(PORTAL)}:{node.lineno}"
        if isinstance(argument, ast.Constant):
            yield Found(place, str(argument.value))
        else:
            yield Found(place, constants.get(ast.unparse(argument)))
