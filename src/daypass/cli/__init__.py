"""The command-line interface, which runs on the user's machine. Imports nothing from the portal."""
