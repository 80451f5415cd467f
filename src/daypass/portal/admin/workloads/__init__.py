"""Administration of workload rules."""
