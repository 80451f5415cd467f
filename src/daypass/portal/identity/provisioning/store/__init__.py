"""The rows of provisioned users and of the tokens of providers."""
