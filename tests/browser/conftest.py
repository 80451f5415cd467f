"""Browser tests: real pages of the session's demo in a real Chromium."""

from tests.browser_fixture import admin, chromium, dana, user
from tests.demo_fixture import demo, fragile_demo, troubled

__all__ = ["admin", "chromium", "dana", "demo", "fragile_demo", "troubled", "user"]
