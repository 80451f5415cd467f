"""Processes of their own, without the start of Python and of all imports that each of them would take."""

from multiprocessing import get_context

PROCESSES = get_context("forkserver")
"""They are forked from one that has imported what they need and has done nothing yet: it has no thread, and
so no lock that a fork would copy."""

PROCESSES.set_forkserver_preload(["__main__", "tests.portal.audit.writer", "daypass.portal.storage.migrate"])
