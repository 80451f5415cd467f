"""Every setting, its bounds and its value."""
