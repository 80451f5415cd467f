"""Administration of groups, their members, and the memberships that they give."""
