"""The pages of sign-in at identity providers: redirects there and back, refusals, and logout."""
