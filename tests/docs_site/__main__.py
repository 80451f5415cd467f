"""Builds the documentation site, and serves it on request; scripts/docs starts it."""

import argparse
import os
import sys
import tomllib
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

from tests.docs_site.build import BuildFailed, build
from tests.docs_site.stage import ROOT, BrokenLink

_SITE = ROOT / "site"


def _repository() -> str:
    """Return the address of the main branch in the public repository, or "" while there is none."""
    if chosen := os.environ.get("DOCS_REPOSITORY"):
        return chosen
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    address = str(project["tool"]["hatch"]["metadata"]["hooks"]["custom"]["repository"]).rstrip("/")
    return f"{address}/blob/main" if address else ""


def _serve(port: int) -> None:
    handler = partial(SimpleHTTPRequestHandler, directory=str(_SITE))
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        print(f"http://127.0.0.1:{server.server_port}/ until Ctrl-C", flush=True)  # noqa: T201  a script
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return


def main() -> int:
    """Build the site and return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/docs")
    parser.add_argument("--serve", action="store_true")
    parser.add_argument("--port", type=int, default=8000)
    chosen = parser.parse_args()
    try:
        build(_SITE, _repository())
    except (BuildFailed, BrokenLink) as error:
        print(error, file=sys.stderr)  # noqa: T201  a script
        return 1
    if chosen.serve:
        _serve(chosen.port)
    return 0


if __name__ == "__main__":
    sys.exit(main())
