"""A runner of composite actions, which makes the environment and the log as GitHub does."""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_EXPRESSION = re.compile(r"\$\{\{ *([\w.-]+) *\}\}")
_MASK = "::add-mask::"


@dataclass(slots=True)
class Job:
    """A job on a runner: its environment, which steps extend through GITHUB_ENV, and its log."""

    folder: Path
    environment: dict[str, str]
    masks: list[str] = field(default_factory=list)
    log: str = ""
    """The output of the steps, with the masks as they were declared by then; commands are left out."""

    def use(self, action: Path, inputs: Mapping[str, str]) -> tuple[int, dict[str, str]]:
        """Run the steps of an action until one fails; return the exit code and the action's outputs."""
        described = yaml.safe_load(action.read_text())
        assert inputs.keys() <= described["inputs"].keys()
        context = {
            f"inputs.{name}": inputs.get(name, str(one.get("default", "")))
            for name, one in described["inputs"].items()
        }
        for step in described["runs"]["steps"]:
            code = self._run(step, action.parent, context)
            if code:
                return code, {}
        return 0, {
            name: _evaluated(one["value"], context) for name, one in described.get("outputs", {}).items()
        }

    def _run(self, step: Mapping[str, Any], action_path: Path, context: dict[str, str]) -> int:
        assert step["shell"] == "bash"
        files = {name: self.folder / name for name in ("GITHUB_ENV", "GITHUB_OUTPUT")}
        for path in files.values():
            path.write_text("")
        script = self.folder / "step.sh"
        script.write_text(_evaluated(step["run"], context))
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", script],
            env=self.environment
            | {
                "GITHUB_ACTIONS": "true",
                "GITHUB_ACTION_PATH": str(action_path),
                "RUNNER_TEMP": str(self.folder / "temp"),
                **{name: str(path) for name, path in files.items()},
                **{name: _evaluated(str(value), context) for name, value in step.get("env", {}).items()},
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            # The runner reads both streams of a step.
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self._read_log(done.stdout)
        self.environment |= _variables(files["GITHUB_ENV"])
        if "id" in step:
            outputs = _variables(files["GITHUB_OUTPUT"])
            context |= {f"steps.{step['id']}.outputs.{name}": value for name, value in outputs.items()}
        return done.returncode

    def _read_log(self, printed: str) -> None:
        for line in printed.splitlines():
            if line.startswith(_MASK):
                self.masks.append(line.removeprefix(_MASK).replace("%25", "%"))
                continue
            shown = line
            for mask in self.masks:
                shown = shown.replace(mask, "***")
            self.log += shown + os.linesep


def _evaluated(text: str, context: Mapping[str, str]) -> str:
    """Return *text* with its expressions replaced by their values; an unknown one is an error."""
    return _EXPRESSION.sub(lambda match: context[match[1]], text)


def _variables(path: Path) -> dict[str, str]:
    """Return the lines NAME=VALUE of a file, in which any other line is an error."""
    found: dict[str, str] = {}
    for line in path.read_text().splitlines():
        name, equals, value = line.partition("=")
        assert re.fullmatch(r"[\w-]+", name) and equals, f"{path.name} has the line {line!r}"
        found[name] = value
    return found
