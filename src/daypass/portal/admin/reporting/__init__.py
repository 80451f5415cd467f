"""Reports for Administrators: sessions, audit events, their export and verification, and the overview."""
