"""Names of browsers."""

import pytest

from daypass.portal.http.layout.user_agents import device_of

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/140.0 Safari/537.36",
            "Chrome on Windows",
        ),
        (f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) {WEBKIT} Version/18 Safari/605", "Safari on macOS"),
        (f"Mozilla/5.0 (iPhone; CPU iPhone OS 18 like Mac OS X) {WEBKIT} Safari/604", "Safari on iPhone"),
        (f"Mozilla/5.0 (Linux; Android 15) {WEBKIT} Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8.5.0", ""),
        ("daypass_pat_secret <script>", ""),
        ("", ""),
    ],
)
def test_a_browser_is_named_by_its_family_and_system(user_agent: str, name: str) -> None:
    assert device_of(user_agent) == name
