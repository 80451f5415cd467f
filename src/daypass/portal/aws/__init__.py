"""The AWS adapter: the only package of the portal that imports an AWS library."""
