"""Who may have which AWS access, for how long, and its issuance: the product."""
