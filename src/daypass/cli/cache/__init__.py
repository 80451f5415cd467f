"""The private cache of keys, and all that a cached answer imports."""
