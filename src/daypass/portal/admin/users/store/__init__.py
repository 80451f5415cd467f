"""Users, memberships and tokens as rows."""
