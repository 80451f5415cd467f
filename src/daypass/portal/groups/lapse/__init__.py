"""The end of sessions of removed identity providers, and of memberships by claims that have lapsed."""
