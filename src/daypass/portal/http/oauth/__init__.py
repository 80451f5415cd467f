"""Sign-in of the command line: what it asks by itself, and the page on which a person answers."""
