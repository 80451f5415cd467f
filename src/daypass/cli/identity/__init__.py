"""Workload identities: the tokens that CI systems and clouds sign, and their exchange for a portal token."""
