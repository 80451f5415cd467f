"""Static files (stylesheet, scripts, icons), read once and served under a URL that contains their hash."""

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
"""The parts of the stylesheet, in cascade order."""

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
    """A static file, plain and gzip-compressed."""

    content: bytes
    compressed: bytes
    media_type: str


class Assets:
    """All static files. A URL with an outdated hash gets 404 rather than a file of another version."""

    permission = Permission.PUBLIC

    def __init__(self, folder: Path = _FOLDER) -> None:
        self._files = {name: _asset(name, content) for name, content in _read(folder).items()}
        self._version = _digest(self._files)
        self.scripts = tuple(self.url(name) for name in sorted(self._files) if name.endswith(".js"))
        """The URLs of all script modules, for `modulepreload` links."""

    def url(self, name: str) -> str:
        """Return the URL of a file; raises `KeyError` if there is none of that *name*."""
        return f"{STATIC}{self._version}/{name if name in self._files else _missing(name)}"

    def routes(self) -> list[BaseRoute]:
        """Return the routes that serve the files."""
        return [exact("GET", STATIC + "{version}/{name}", self)]

    async def __call__(self, request: Request) -> Response:
        """Serve one file; raises `NotFound` for an unknown name or an outdated version."""
        asset = self._files.get(request.path_params["name"])
        if asset is None or request.path_params["version"] != self._version:
            raise NotFound("There is nothing at this address.")
        if accepts_gzip(request.headers):
            headers = {**_HEADERS, "Content-Encoding": "gzip"}
            return Response(asset.compressed, headers=headers, media_type=asset.media_type)
        return Response(asset.content, headers=_HEADERS, media_type=asset.media_type)


def _read(folder: Path) -> Mapping[str, bytes]:
    styles = (folder / "css" / f"{name}.css" for name in _STYLES)
    files = {"app.css": b"\n".join(style.read_bytes() for style in styles)}
    for path in (*folder.glob("*.svg"), *(folder / "js").glob("*.js")):
        files[path.name] = path.read_bytes()
    return files


def _asset(name: str, content: bytes) -> Asset:
    # Without a time in the compressed file, all replicas serve the same bytes.
    return Asset(content, gzip.compress(content, mtime=0), _TYPES[Path(name).suffix])


def _digest(files: Mapping[str, Asset]) -> str:
    # One digest for all files, because the script modules import each other by relative paths and so share a
    # version. The names are hashed too: a renamed file is a change.
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(name.encode() + b"\0" + files[name].content + b"\0")
    return digest.hexdigest()[:16]


def _missing(name: str) -> str:
    raise KeyError(f"there is no static file {name}")
