"""AWS keys for other programs: the provider, and the ways in which a program receives them."""
