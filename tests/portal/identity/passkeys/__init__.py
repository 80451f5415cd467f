"""Tests of passkeys with a software authenticator."""
