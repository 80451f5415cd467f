"""The private cache of credentials. A cached answer imports modules of this package only."""
