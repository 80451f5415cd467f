"""Rate limits of sign-in attempts and of user actions, and the known browsers with a limit of their own."""
