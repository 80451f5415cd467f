"""Permission sets: the levels to which a session can narrow a role, their grammar and their storage."""
