"""Code that the command line and the portal share; imports the standard library only."""
