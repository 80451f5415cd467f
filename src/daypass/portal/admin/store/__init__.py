"""What administration reads and writes."""
