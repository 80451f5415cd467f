"""MiniStack behind a gate, with patches where it differs from AWS."""
