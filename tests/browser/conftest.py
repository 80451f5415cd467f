"""Browser tests: real pages of the session's demo in a real Chromium."""

from tests.fixtures.browser import admin, chromium, dana, user
from tests.fixtures.demo import demo, fragile_demo, troubled

__all__ = ["admin", "chromium", "dana", "demo", "fragile_demo", "troubled", "user"]
