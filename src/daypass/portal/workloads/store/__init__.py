"""Stores of workload rules, and of the tokens that they gave."""
