"""Process-level services: errors and exit codes, streams, files, timeouts and loopback servers."""
