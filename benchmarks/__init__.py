"""How fast it is: each module prints a table with a ratio against a baseline taken in the same run."""
