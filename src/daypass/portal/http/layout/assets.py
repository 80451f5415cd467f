"""Stylesheet, script and icons: read once, served under an address that changes when they do."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.problems import NotFound
from daypass.portal.http.core.routing import exact
from daypass.portal.http.layout.compression import accepts_gzip

STATIC = "/static/"

_FOLDER = Path(__file__).parent / "static"
_STYLES = (
    "tokens",
    "base",
    "bar",
    "side",
    "button",
    "menu",
    "card",
    "state",
    "field",
    "table",
    "pane",
    "chart",
    "resources",
    "administrator",
    "alone",
)
"""The pieces of the stylesheet, in the order in which they count."""

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Vary": "Accept-Encoding",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent."""

    content: bytes
    packed: bytes
    media_type: str


class Assets:
    """All files of the pages. Whoever asks for one under an old address gets nothing, and no wrong one."""

    permission = Permission.ANYBODY

    def __init__(self, folder: Path = _FOLDER) -> None:
        self._files = {name: _asset(name, content) for name, content in _read(folder).items()}
        self._version = _digest(self._files)
        self.scripts = tuple(self.url(name) for name in sorted(self._files) if name.endswith(".js"))
        """Every module, so that a page can ask for all of them at once."""

    def url(self, name: str) -> str:
        """The address of a file."""
        return f"{STATIC}{self._version}/{name if name in self._files else _missing(name)}"

    def routes(self) -> list[BaseRoute]:
        """What serves them."""
        return [exact("GET", STATIC + "{version}/{name}", self)]

    async def __call__(self, request: Request) -> Response:
        """One file."""
        found = self._files.get(request.path_params["name"])
        if found is None or request.path_params["version"] != self._version:
            raise NotFound("There is nothing at this address.")
        if accepts_gzip(request.headers):
            headers = {**_HEADERS, "Content-Encoding": "gzip"}
            return Response(found.packed, headers=headers, media_type=found.media_type)
        return Response(found.content, headers=_HEADERS, media_type=found.media_type)


def _read(folder: Path) -> Mapping[str, bytes]:
    styles = (folder / "css" / f"{name}.css" for name in _STYLES)
    files = {"app.css": b"\n".join(style.read_bytes() for style in styles)}
    for path in (*folder.glob("*.svg"), *(folder / "js").glob("*.js")):
        files[path.name] = path.read_bytes()
    return files


def _asset(name: str, content: bytes) -> Asset:
    return Asset(content, gzip.compress(content, mtime=0), _TYPES[Path(name).suffix])


def _digest(files: Mapping[str, Asset]) -> str:
    everything = hashlib.sha256()
    for name in sorted(files):
        everything.update(name.encode() + b"\0" + files[name].content + b"\0")
    return everything.hexdigest()[:16]


def _missing(name: str) -> str:
    raise KeyError(f"there is no static file {name}")
