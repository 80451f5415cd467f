"""`daypass apply` and `export`: the manifest, the live state, and the plan between them."""
