"""MiniStack, patched where it is unlike AWS, behind a gate."""
