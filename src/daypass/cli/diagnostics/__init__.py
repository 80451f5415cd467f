"""The checks of `daypass doctor`."""
