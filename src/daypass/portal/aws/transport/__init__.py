"""HTTP transport to AWS: connections, signatures, retries, and the query protocol."""
