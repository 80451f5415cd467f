"""The first migrations, in a folder of their own because a folder has 20 modules at most."""
