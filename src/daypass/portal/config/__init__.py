"""The configuration of the process, read from the environment and from files and validated."""
