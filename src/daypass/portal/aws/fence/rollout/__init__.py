"""The rollout of the fence: comparison of an account with the catalogue, and the safe order of changes."""
