"""The commands of `daypass portal`."""
