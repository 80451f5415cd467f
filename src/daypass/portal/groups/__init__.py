"""Groups of users: their sources, members, and the memberships of tenants that they give."""
