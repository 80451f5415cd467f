"""AWS: the only folder of the portal that imports an AWS library."""
