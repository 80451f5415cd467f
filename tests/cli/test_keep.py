"""Keeping answers under a lock that no process holds longer than it needs it."""

from pathlib import Path

import pytest

from daypass.cli.errors import Unavailable
from daypass.cli.keep import Kind, Place


def _place(folder: Path, patience: float) -> Place:
    return Place(str(folder), "key", Kind(".keys", "keys", patience, "waiting", "Nobody answers."))


def test_who_gave_up_waiting_does_not_get_the_lock_in_the_end(tmp_path: Path) -> None:
    with _place(tmp_path, 5), pytest.raises(Unavailable, match=r"Nobody answers\."):
        _place(tmp_path, 0.1).__enter__()

    # In the same process: one that serves keys for days asks again and again.
    with _place(tmp_path, 5):
        pass
