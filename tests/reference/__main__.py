"""Writes the reference pages; scripts/reference starts it."""

from tests.reference.registry import write_pages

write_pages()
