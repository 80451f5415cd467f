"""The commands of `daypass`, one module each, loaded when the command runs."""
