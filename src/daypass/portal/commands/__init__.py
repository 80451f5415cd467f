"""The commands of `daypass portal`, one module each."""
