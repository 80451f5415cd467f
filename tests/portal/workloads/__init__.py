"""Workload rules: what may be saved, and how claims are compared."""
