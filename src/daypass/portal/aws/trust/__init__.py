"""Trust policies of roles: the portal's own statements, and the analysis of a whole policy."""
