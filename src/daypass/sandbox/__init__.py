"""A local AWS for tests and the demo: MiniStack behind patches that make it behave like AWS."""
