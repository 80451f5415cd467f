"""Sessions, audit events and the overview, as Administrators read them."""
