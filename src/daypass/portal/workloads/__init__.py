"""Workload identity: the ID token of a workload is exchanged for a short-lived portal token (RFC 8693)."""
