"""Metrics that this process records."""

from tests.portal.telemetry.recorded import recorded

__all__ = ["recorded"]
