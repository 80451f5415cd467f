"""Tests of the code that the CLI and the portal share."""
