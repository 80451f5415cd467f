"""Telemetry of the portal: metrics and the stages of an issuance."""
