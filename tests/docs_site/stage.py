"""The sources of the documentation site: a copy of docs/, and files from elsewhere in the repository.

The Markdown in the repository has links that work where the repository is viewed. In the copy, links to files
that are pages of the site lead there, and links to any other file lead to the public repository.
"""

import re
import shutil
from collections.abc import Mapping
from os.path import normpath, relpath
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[2]

PAGES: Mapping[str, str] = {
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "SECURITY.md": "project/security.md",
    "src/daypass/portal/http/legacy/README.md": "reference/legacy-api.md",
}
"""Pages of the site whose source is outside docs/, by their file in the repository."""

_STATIC = "src/daypass/portal/http/layout/static"
FILES: Mapping[str, str] = {
    f"{_STATIC}/css/tokens.css": "assets/tokens.css",
    f"{_STATIC}/mark.svg": "assets/mark.svg",
}
"""Other files of the site whose source is outside docs/: the portal's colours and its logo."""

_ADDRESSES = {**PAGES, "README.md": "index.md"}
"""The address in the site of each file outside docs/ that a link may name."""

_LINK = re.compile(r"(?P<image>!?)\[(?P<text>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<target>[^()\s]+)\)")
_EXTERNAL = re.compile(r"[a-z][a-z+.-]*:|#")
_CODE = re.compile(r"`[^`]+`")
_FENCE = re.compile(r"^ *(```|~~~)")


class BrokenLink(ValueError):
    """A page links to a file that the repository does not have."""


def stage(folder: Path, repository: str = "") -> None:
    """Write the sources of the site into *folder*, which is empty or does not exist.

    *repository* is the address of the main branch in the public repository, where links to other files
    lead. Without it only their text remains. Raises `BrokenLink`.
    """
    shutil.copytree(ROOT / "docs", folder, dirs_exist_ok=True)
    for source, address in {**PAGES, **FILES}.items():
        target = folder / address
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / source, target)
    sources = {page: f"docs/{page.relative_to(folder).as_posix()}" for page in folder.rglob("*.md")}
    sources |= {folder / address: source for source, address in PAGES.items()}
    for page, source in sources.items():
        text = page.read_text(encoding="utf-8")
        address = page.relative_to(folder).as_posix()
        page.write_text(as_page_of_the_site(text, source, address, repository), encoding="utf-8")


def as_page_of_the_site(text: str, source: str, address: str, repository: str) -> str:
    """Return a page's Markdown with each link changed as the module describes, and code in tables unescaped.

    *source* is the page's file in the repository, and *address* its place in the site.
    """
    lines, fence = [], ""
    for line in text.splitlines(keepends=True):
        mark = _FENCE.match(line)
        if mark and fence in ("", mark[1]):
            fence = "" if fence else mark[1]
        elif not fence:
            line = _LINK.sub(lambda link: _link(link, source, address, repository), line)
            if line.startswith("|"):
                # Code in a table has an escaped bar on GitHub, and a plain one for the generator of the site.
                line = _CODE.sub(lambda code: code[0].replace("\\|", "|"), line)
        lines.append(line)
    return "".join(lines)


def _link(link: re.Match[str], source: str, address: str, repository: str) -> str:
    if _EXTERNAL.match(link["target"]):
        return link[0]
    path, mark, anchor = link["target"].partition("#")
    file = normpath(PurePosixPath(source).parent / path)
    if not (ROOT / file).exists():
        raise BrokenLink(f"{source} links to {link['target']}, and there is no {file}.")
    if (ROOT / file).is_dir() and (ROOT / file / "README.md").exists():
        file += "/README.md"
    place = _ADDRESSES.get(file) or (file.removeprefix("docs/") if file.startswith("docs/") else None)
    if place is not None:
        target = relpath(place, PurePosixPath(address).parent)
    elif repository:
        target = f"{repository.rstrip('/')}/{file}"
    else:
        return link["text"]
    return f"{link['image']}[{link['text']}]({target}{mark}{anchor})"
