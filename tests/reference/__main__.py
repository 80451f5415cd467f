"""Writes the reference pages and the other generated files; scripts/reference starts it."""

from tests.reference.registry import write_files

write_files()
