"""The configuration of the process: environment variables, read once at the start and validated."""
