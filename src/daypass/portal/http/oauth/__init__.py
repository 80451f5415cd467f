"""Sign-in of the command line with OAuth 2.0: the endpoints for clients, and the consent page."""
