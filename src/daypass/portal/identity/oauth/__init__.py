"""Sign-in of the command line: pushed requests, consent, one-time codes, rotating tokens."""
