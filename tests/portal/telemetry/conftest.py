"""Metrics that this process records, and portals that record them."""

from tests.portal.http.conftest import log
from tests.portal.telemetry.recorded import recorded

__all__ = ["log", "recorded"]
