"""The audit log: append-only, hash-chained, and durable before credentials are released."""
