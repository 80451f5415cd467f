"""AWS credentials for other programs: the provider, and the ways in which programs receive them."""
