"""Names of browsers, from the header User-Agent, by which users recognise their own sign-ins."""

_BROWSERS = (
    # The order matters: most browsers also name the ones that they descend from.
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def device_of(user_agent: str) -> str:
    """Return a name such as “Firefox on Linux”; empty if the header names no known browser.

    For display only, because every client sends what it likes. Nothing of the header itself is kept.
    """
    browser = next((name for part, name in _BROWSERS if part in user_agent), "")
    system = next((name for part, name in _SYSTEMS if part in user_agent), "")
    return f"{browser} on {system}" if browser and system else browser
