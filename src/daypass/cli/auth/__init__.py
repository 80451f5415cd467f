"""The sign-in on this machine: the OAuth client, the login flow and the stored session."""
