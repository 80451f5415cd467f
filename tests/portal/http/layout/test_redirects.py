"""Return paths lead to pages of the portal, whatever the address says."""

from urllib.parse import urljoin, urlsplit

from hypothesis import example, given
from hypothesis import strategies as st

from daypass.portal.http.layout.redirects import safe_path

PORTAL = "https://portal.example.com"

starts = st.lists(st.sampled_from(["/", "\\", "\t", "\n", "https:", "@", "."]), max_size=4).map("".join)
hosts = st.sampled_from(["evil.example", "evil.example/a?b#c", "javascript:alert(1)", "sign-in", ""])
addresses = st.text() | st.tuples(starts, hosts).map("".join)


@given(addresses)
@example("//evil.example")
@example("/\\evil.example")
@example("/\t/evil.example")
@example("https://evil.example")
def test_a_return_path_never_leads_to_another_site(typed: str) -> None:
    path = safe_path(typed)

    assert path.startswith("/")
    for read_as in (path, path.replace("\\", "/"), "".join(path.split())):
        found = urlsplit(urljoin(PORTAL, read_as))
        assert (found.scheme, found.netloc) == ("https", "portal.example.com")
