"""Passkeys (Web Authentication): registration, proof of a user's presence, and recovery."""
