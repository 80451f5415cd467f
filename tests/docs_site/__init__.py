"""The documentation site: its build from docs/ and some files of the repository."""
