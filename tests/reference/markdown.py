"""Markdown of the reference pages."""

import textwrap

_WIDTH = 128


def wrap(paragraph: str) -> str:
    """Return a paragraph in lines of at most 128 characters."""
    return textwrap.fill(paragraph, _WIDTH, break_long_words=False, break_on_hyphens=False)
