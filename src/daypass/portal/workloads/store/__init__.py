"""Stores of workload rules, of the tokens that they gave, and of ID tokens that were used."""
