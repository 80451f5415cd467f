"""What /proc says about another process, which goes on meanwhile."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def sockets_of(pid: int) -> Iterator[str]:
    """The inodes of the sockets that it has open; one that it closes just now may be missing."""
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            target = str(link.readlink())
            if target.startswith("socket:"):
                yield target.removeprefix("socket:[").removesuffix("]")
