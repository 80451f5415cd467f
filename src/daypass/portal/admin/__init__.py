"""Administration: every change and report, implemented once for all channels."""
