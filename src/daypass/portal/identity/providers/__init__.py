"""Identity providers, which prove who signs in: one contract, and the portal's own passwords as the first."""
