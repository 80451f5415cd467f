"""Settings, as Administrators change them, and the session durations that result."""
