"""The sandbox's AWS console: federation, sign-in tokens, and the pages."""
