"""Sessions, audit events and the overview as rows."""
