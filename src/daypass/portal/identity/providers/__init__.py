"""Identity providers, which prove the identity of users: their contract, and the portal's own passwords."""
