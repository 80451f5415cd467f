"""The end of sessions and memberships that no configured identity provider stands for any more."""
