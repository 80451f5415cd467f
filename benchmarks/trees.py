"""Portals of this tree and of another revision, each served with its own code and packages."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.portal import Served
from daypass.portal.secret import Secret

_ROOT = Path(__file__).parent.parent

# Runs in the tree that it serves. The two parameters of `seed` and `serve` are the same in every revision;
# earlier ones have one process, `pid`.
_SERVE = """
import json, sys
from contextlib import closing
from pathlib import Path
from benchmarks.portal import seed, serve
from daypass.portal.storage.engine import Database

folder, aws_url = Path(sys.argv[1]), sys.argv[2]
with closing(Database(f"sqlite:///{folder / 'portal.db'}")) as database:
    token = seed(database).reveal()
with serve(folder, aws_url) as portal:
    pids = portal.pids if hasattr(portal, "pids") else [portal.pid]
    print(json.dumps([portal.port, pids, token]), flush=True)
    sys.stdin.read()
"""


@dataclass(frozen=True, slots=True)
class Tree:
    """A checkout with the interpreter of its virtual environment."""

    folder: Path
    python: str


def this_tree() -> Tree:
    """Return the tree of this file, with uncommitted changes."""
    return Tree(_ROOT, sys.executable)


@contextmanager
def checkout(revision: str, folder: Path) -> Iterator[Tree]:
    """Check out *revision* with its packages into *folder*, and remove it at the end."""
    path = folder / "tree"
    commit = _git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    if not commit:
        sys.exit(f"There is no revision {revision} in this repository.")
    _git("worktree", "add", "--quiet", "--detach", str(path), commit)
    try:
        uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
        # The same interpreter for both: another one would be a difference of its own.
        command = [uv, "sync", "--quiet", "--locked", "--extra", "server", "--python", sys.executable]
        environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
        subprocess.run(command, cwd=path, env=environment, check=True)
        yield Tree(path, str(path / ".venv/bin/python"))
    finally:
        _git("worktree", "remove", "--force", str(path))


@contextmanager
def serve_tree(tree: Tree, folder: Path, aws_url: str) -> Iterator[tuple[Served, Secret]]:
    """Serve the portal of a tree on a new database in *folder*; yield it with a member's token."""
    folder.mkdir()
    with subprocess.Popen(
        [tree.python, "-c", _SERVE, str(folder), aws_url],
        cwd=tree.folder,
        env=os.environ | {"PYTHONPATH": str(tree.folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None  # noqa: S101  it was asked for
        assert process.stdout is not None  # noqa: S101  it was asked for
        try:
            answer = process.stdout.readline()
            if not answer:
                sys.exit(f"The portal of {tree.folder} did not start.")
            port, pids, token = json.loads(answer)
            yield Served(port, pids), Secret(token)
        finally:
            process.stdin.close()


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(_ROOT), *arguments]
    return subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True).stdout.strip()
