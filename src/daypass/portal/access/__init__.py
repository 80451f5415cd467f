"""Just-in-time AWS access: authorization, session duration, issuance and its audit trail."""
