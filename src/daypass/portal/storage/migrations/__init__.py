"""The steps from one schema to the next; each only adds, so that two versions can run side by side."""
