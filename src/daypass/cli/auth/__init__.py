"""The sign-in of this machine: the OAuth client, and the session that is stored."""
