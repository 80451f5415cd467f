"""The process: its errors and exit codes, streams, files, time limits and loopback servers."""
