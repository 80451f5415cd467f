"""OAuth 2.0 for the CLI: pushed authorization requests, consent, authorization codes, token rotation."""
