"""The roles of permission sets: the facts that AWS has of such a role, and the judgement on them."""
