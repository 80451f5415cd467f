"""AWS accounts, and the roles in them that sessions are made of."""
