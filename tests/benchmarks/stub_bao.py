"""A stub of `bao server`: it takes the requests of the set-up in their order, and issues sessions.

It has no storage and no plug-ins. It checks what the benchmark sends, and nothing of OpenBao itself.
"""

import hashlib
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import urlopen

ROOT, MEMBER, KEY = "root-token", "member-token", "unseal-key"
STEPS = (
    "sys/init",
    "sys/unseal",
    "sys/plugins/catalog/secret/aws",
    "sys/mounts/aws",
    "aws/config/root",
    "aws/roles/dev01",
    "sys/policies/acl/benchmark",
    "auth/token/create",
)


class Server(ThreadingHTTPServer):
    """The state of the server."""

    done = 0
    sts = ""

    def __init__(self, configuration: dict[str, Any]) -> None:
        host, _, port = configuration["listener"][0]["tcp"]["address"].partition(":")
        self.plugins = Path(configuration["plugin_directory"])
        (audit,) = configuration["audit"]
        assert (audit["type"], audit["path"]) == ("file", "file")
        self.audit = Path(audit["options"]["file_path"])
        assert Path(configuration["storage"]["raft"]["path"]).is_dir()
        super().__init__((host, int(port)), Handler)


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name in the library
        """Log nothing."""

    def do_GET(self) -> None:
        """Answer the health: 501 before the initialization, 503 while sealed, 200 afterwards."""
        assert self.path == "/v1/sys/health", self.path
        self.answer({0: 501, 1: 503}.get(self.server.done, 200), {})

    def do_POST(self) -> None:
        """Take the next step of the set-up, or issue a session."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        path = self.path.removeprefix("/v1/")
        if path == "aws/sts/dev01":
            bearer = (self.headers["Authorization"] or "").removeprefix("Bearer ")
            if MEMBER not in (bearer, self.headers["X-Vault-Token"]) or self.server.done < len(STEPS):
                self.answer(403, {"errors": ["permission denied"]})
                return
            with self.server.audit.open("a") as audit:
                audit.write(f"{json.dumps(body)}\n")
            self.answer(200, {"data": {"security_token": self.assume_role(body["ttl"])}})
            return
        if path != STEPS[self.server.done] or (
            self.server.done > 1 and self.headers["X-Vault-Token"] != ROOT
        ):
            self.answer(400, {"errors": [f"{path} is not the next step"]})
            return
        self.server.done += 1
        self.answer(200, self.take(path, body))

    def take(self, path: str, body: dict[str, Any]) -> dict[str, object]:
        """Return the content of the answer to a step."""
        if path == "sys/init":
            return {"keys": [KEY], "root_token": ROOT}
        if path == "sys/unseal":
            assert body["key"] == KEY
        if path == "sys/plugins/catalog/secret/aws":
            program = (self.server.plugins / body["command"]).read_bytes()
            assert body["sha256"] == hashlib.sha256(program).hexdigest()
        if path == "aws/config/root":
            self.server.sts = body["sts_endpoint"]
        return {"auth": {"client_token": MEMBER}} if path == "auth/token/create" else {}

    def assume_role(self, seconds: str) -> str:
        """Return the token of a session of the stub STS."""
        request = f"Action=AssumeRole&RoleArn=r&RoleSessionName=s&DurationSeconds={seconds}"
        with urlopen(self.server.sts, request.encode()) as answer:  # noqa: S310  the stub's own URL
            text: str = answer.read().decode()
        return text.partition("<SessionToken>")[2].partition("<")[0]

    def answer(self, status: int, content: dict[str, object]) -> None:
        """Send a JSON answer."""
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    if "--fail" in Path(__file__).with_name("mode").read_text():
        sys.exit("Error: the configuration is not accepted")
    (option,) = (word for word in sys.argv if word.startswith("-config="))
    Server(json.loads(Path(option.removeprefix("-config=")).read_text())).serve_forever()
