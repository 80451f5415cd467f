"""Users, their memberships and their tokens, as Administrators change them."""
