"""An image of buildah, and commands in its root as a container engine would run them.

Not every machine can start containers: engines want cgroups, networks and overlay file systems. For the
portal, a chroot with a read-only root, a process namespace, no capabilities and the image's user is the same.
"""

import json
import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent

# Both need root, which the machines of many CI services give by sudo.
_AS_ROOT = [] if os.getuid() == 0 else ["sudo", "--non-interactive"]


def run(*command: object) -> str:
    """Run a command as root and return its output; on failure show what it printed."""
    done = subprocess.run(
        [*_AS_ROOT, *map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{shlex.join(map(str, command))}\n{done.stdout}"
    return done.stdout


@dataclass(frozen=True)
class Builder:
    """Buildah with a store of its own, and without the need for an overlay file system."""

    store: Path

    def __call__(self, *words: object) -> str:
        """Run a subcommand and return its output."""
        return run(
            "buildah", "--root", self.store / "root", "--runroot", self.store / "run",
            "--storage-driver", "vfs", *words,
        ).strip()  # fmt: skip

    def build(self, base: Path, caches: Mapping[Path, str]) -> dict[str, Any]:
        """Build the image `daypass` on the root in an archive; return its configuration."""
        container = self("from", "scratch")
        self("add", "--quiet", container, base, "/")
        self("commit", "--quiet", "--rm", container, "base")
        mounts = [word for path, inside in caches.items() for word in ("--volume", f"{path}:{inside}")]
        self(
            "build", "--isolation", "chroot", "--format", "docker", "--layers=false", *mounts,
            "--build-arg", "BASE=localhost/base", "--build-arg", "VERSION=1.2.3",
            "--file", ROOT / "deploy" / "image" / "Containerfile", "--tag", "daypass", ROOT,
        )  # fmt: skip
        config = json.loads(self("inspect", "--type", "image", "daypass"))["Docker"]["config"]
        assert isinstance(config, dict)
        return config

    def mount(self) -> Path:
        """Return the root of a container of the image, with the mount points that every engine creates."""
        root = Path(self("mount", self("from", "localhost/daypass")))
        run("mkdir", "--parents", root / "dev", root / "proc", root / "tmp")
        return root


def in_container(
    root: Path, config: Mapping[str, Any], writable: Mapping[Path, str], words: Sequence[str]
) -> list[str]:
    """Return the command that runs *words* in the root, as process 1, as the image's configuration says."""
    mounts = [
        f"mount --bind {root} {root}",
        f"mount -o remount,bind,ro {root}",
        f"mount -t proc proc {root}/proc",
        f"mount --bind /dev {root}/dev",
        *(f"mount --bind {path} {root}{inside}" for path, inside in writable.items()),
    ]
    inside = ["chroot", f"--userspec={config['User']}", "--groups=", str(root), "env", "-i"]
    command = shlex.join(["setpriv", "--no-new-privs", *inside, *config["Env"], *words])
    script = " && ".join([*mounts, f"exec {command}"])
    return [*_AS_ROOT, "unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script]
