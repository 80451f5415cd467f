"""The record: append-only, hash-chained, durable before anything is released."""
