"""Programs of tests that run on Node, with their packages."""

import fcntl
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

_MANIFESTS = ("package.json", "package-lock.json")


def installed(folder: Path, programs: Sequence[str]) -> Path:
    """Return a copy of *folder* with its packages, which are fetched once and kept between runs.

    *programs* are the names of the programs in it.
    """
    names = (*_MANIFESTS, *programs)
    contents = b"".join((folder / name).read_bytes() for name in names)
    digest = hashlib.sha256(contents).hexdigest()[:16]
    copy = Path(tempfile.gettempdir()) / f"daypass-tests-{folder.name}-{digest}"
    copy.mkdir(exist_ok=True)
    with (copy / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (copy / "complete").exists():
            for name in names:
                shutil.copy(folder / name, copy)
            words = ["npm", "ci", "--no-audit", "--no-fund", "--silent"]
            subprocess.run(words, cwd=copy, check=True, timeout=300)
            (copy / "complete").touch()
    return copy
