"""The portal's AWS: the only folder here that imports an AWS library."""
