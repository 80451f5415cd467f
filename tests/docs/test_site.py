"""The documentation site: it builds without a warning, all its links work, and it needs no other host."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest

from tests.docs_site.build import BuildFailed, build_staged
from tests.docs_site.stage import PAGES, ROOT, BrokenLink, as_page_of_the_site, stage

_LOADED = {"img": "src", "script": "src", "iframe": "src", "source": "src", "link": "href"}
"""The attributes whose address a browser loads with the page."""


class Parsed(HTMLParser):
    """The ids and addresses of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect the element's id and address."""
        found = {name: value for name, value in attrs if value}
        self.ids |= {found[name] for name in ("id", "name") if name in found}
        if address := found.get(_LOADED.get(tag, "")):
            self.loaded.append(address)
        elif tag == "a" and "href" in found:
            self.links.append(found["href"])


@pytest.fixture(scope="module")
def parsed(site: Path) -> Mapping[Path, Parsed]:
    """All pages of the site; 404.html has addresses that only a server's root makes valid."""
    pages = {page: Parsed(page.read_text(encoding="utf-8")) for page in site.rglob("*.html")}
    return {page: content for page, content in pages.items() if page.name != "404.html"}


def _addresses_in(entries: Sequence[object]) -> Iterator[str]:
    for entry in entries:
        assert isinstance(entry, dict)
        for value in entry.values():
            if isinstance(value, str):
                yield value
            else:
                yield from _addresses_in(value)


def test_every_page_is_in_the_navigation() -> None:
    # The decision records are listed on their own page; tests/test_house.py compares that list.
    expected = {page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")}
    expected = {name for name in expected if not name.startswith("decisions/")} | {"decisions/README.md"}
    navigation = tomllib.loads((ROOT / "zensical.toml").read_text())["project"]["nav"]

    listed = list(_addresses_in(navigation))

    assert sorted(listed) == sorted(expected | set(PAGES.values())), "Change nav in zensical.toml."


def test_every_link_leads_to_a_page_and_a_heading_that_exist(
    site: Path, parsed: Mapping[Path, Parsed]
) -> None:
    broken = []
    for page, content in parsed.items():
        for address in content.links + content.loaded:
            path, anchor = urldefrag(address)
            if urlsplit(address).scheme:
                continue
            target = (page.parent / unquote(path)).resolve() if path else page
            target = target / "index.html" if target.is_dir() else target
            is_missing_anchor = bool(anchor) and target in parsed and anchor not in parsed[target].ids
            if not target.exists() or is_missing_anchor:
                broken.append(f"{page.relative_to(site)}: {address}")

    assert len(parsed) > 60
    assert broken == []


def test_no_page_loads_anything_from_another_host(parsed: Mapping[Path, Parsed]) -> None:
    foreign = {
        address for content in parsed.values() for address in content.loaded if urlsplit(address).netloc
    }

    assert foreign == set()


def test_alternatives_in_a_table_have_plain_bars(site: Path) -> None:
    text = (site / "reference" / "cli.html").read_text(encoding="utf-8")

    assert "<td><code>--format cli|cloudformation|terraform</code></td>" in text
    assert "\\|" not in text


def test_no_row_is_outside_its_table(site: Path) -> None:
    """An empty line between two rows ends the table, and the rows after it become a paragraph."""
    outside = [page.name for page in site.rglob("*.html") if "<p>| " in page.read_text(encoding="utf-8")]

    assert outside == []


def test_code_in_a_list_does_not_end_the_list(site: Path) -> None:
    """It needs an indentation of four, and an empty line before the next item, which would be text."""
    ended = [
        page.name
        for page in site.rglob("*.html")
        if '<p><div class="highlight">' in page.read_text(encoding="utf-8")
    ]

    assert ended == []


def test_the_build_fails_at_a_broken_link(tmp_path: Path) -> None:
    stage(tmp_path / "docs")
    page = tmp_path / "docs" / "index.md"
    page.write_text(f"{page.read_text()}\n[missing](missing.md) [missing](glossary.md#missing)\n")

    with pytest.raises(BuildFailed) as failure:
        build_staged(tmp_path)

    # Each alone is a warning, and any warning fails the build.
    assert "page does not exist" in str(failure.value)
    assert "anchor does not exist" in str(failure.value)


@pytest.mark.parametrize(
    ("source", "address", "link", "expected"),
    [
        ("docs/index.md", "index.md", "[a](guides/cli.md#files)", "[a](guides/cli.md#files)"),
        ("docs/index.md", "index.md", "[a](https://example.com/)", "[a](https://example.com/)"),
        ("docs/guides/cli.md", "guides/cli.md", "[a](#files)", "[a](#files)"),
        ("docs/guides/cli.md", "guides/cli.md", "[a](../../README.md)", "[a](../index.md)"),
        ("docs/guides/cli.md", "guides/cli.md", "[a](../../SECURITY.md)", "[a](../project/security.md)"),
        ("docs/architecture.md", "architecture.md", "[a](decisions/)", "[a](decisions/README.md)"),
        ("CONTRIBUTING.md", "project/contributing.md", "[a](docs/glossary.md)", "[a](../glossary.md)"),
        ("README.md", "index.md", "![a [b]](docs/pictures/profile.png)", "![a [b]](pictures/profile.png)"),
        (
            "README.md",
            "index.md",
            "[the licence](LICENSE)",
            "[the licence](https://example.com/main/LICENSE)",
        ),
        ("docs/index.md", "index.md", "```\n[a](missing)\n```", "```\n[a](missing)\n```"),
    ],
)
def test_links_of_the_repository_become_those_of_the_site(
    source: str, address: str, link: str, expected: str
) -> None:
    assert as_page_of_the_site(link, source, address, "https://example.com/main") == expected


def test_a_link_to_another_file_is_only_text_without_a_public_repository() -> None:
    assert as_page_of_the_site("[the licence](LICENSE)", "README.md", "index.md", "") == "the licence"


def test_a_link_to_a_file_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(BrokenLink, match=r"README\.md links to missing\.txt"):
        as_page_of_the_site("[a](missing.txt)", "README.md", "index.md", "")


DOCUMENTS = sorted({*ROOT.glob("*.md"), *(ROOT / "src").rglob("*.md"), *(ROOT / "docs").rglob("*.md")})


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_in_the_repository_leads_to_a_file(document: Path) -> None:
    source = document.relative_to(ROOT).as_posix()

    # Raises an error at the first link that does not.
    assert as_page_of_the_site(document.read_text(encoding="utf-8"), source, "index.md", "")
