"""The commands of whoever runs the portal, one module each."""
