"""A page that frames another one, as for clickjacking."""

from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

from playwright.sync_api import BrowserContext

BLOCKED = "net::ERR_BLOCKED_BY_RESPONSE"
"""Chromium's error if the framed page forbids framing."""


class Framing(BaseHTTPRequestHandler):
    """Serves the page on loopback, because Chromium blocks loopback frames in pages of other networks."""

    def do_GET(self) -> None:
        body = f'<iframe src="{self.path[1:]}"></iframe>'.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def failure_in_a_frame(context: BrowserContext, address: str) -> str | None:
    """Return why *address* cannot be framed; times out if it can."""
    page = context.new_page()
    with HTTPServer(("127.0.0.1", 0), Framing) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        with page.expect_event("requestfailed", lambda request: request.is_navigation_request()) as blocked:
            page.goto(f"http://127.0.0.1:{server.server_port}/{address}")
        server.shutdown()
    page.close()
    failure: str | None = blocked.value.failure
    return failure
