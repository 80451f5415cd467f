"""Sign-in with accounts at identity providers: attempts, linked accounts, and logout by the provider."""
