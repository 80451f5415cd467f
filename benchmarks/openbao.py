"""An OpenBao server to measure: one node with raft storage, the file audit device and the AWS secrets engine.

OpenBao 2.4 or later, which takes audit devices from its configuration, with the plug-in
`openbao-plugin-secrets-aws`.
"""

import hashlib
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from benchmarks.portal import REGION, TENANT, Served
from benchmarks.runs import Request
from benchmarks.stub_sts import ACCOUNT
from daypass.portal.secret import Secret

PLUGIN = "openbao-plugin-secrets-aws"

SESSION = Request(f"/v1/aws/sts/{TENANT}", {"ttl": "3600"})
"""Issues a session of the role of the tenant."""

_PATIENCE = 30.0
_POLICY = f'path "aws/sts/{TENANT}" {{ capabilities = ["update"] }}'


class OpenBaoMissing(Exception):
    """A program that the comparison needs is not on the PATH."""


class OpenBaoFailed(Exception):
    """The server did not start, or refused its set-up."""


@dataclass(frozen=True, slots=True)
class Programs:
    """The paths of the server and of its plug-in for AWS."""

    server: Path
    plugin: Path


def find_programs(path: str | None = None) -> Programs:
    """Return the programs that are on *path*, by default the PATH; raises `OpenBaoMissing`."""
    found = {name: shutil.which(name, path=path) for name in ("bao", PLUGIN)}
    missing = [name for name, where in found.items() if where is None]
    if missing:
        raise OpenBaoMissing(
            f"This benchmark compares Daypass with OpenBao, and {' and '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} not on the PATH. Install OpenBao 2.4 or later and the "
            f"binary {PLUGIN} of openbao-plugins (https://openbao.org/downloads), then run it again."
        )
    return Programs(*(Path(where) for where in found.values() if where is not None))


def configuration(folder: Path, port: int, cluster_port: int) -> Mapping[str, object]:
    """Return the configuration of the server: without TLS, and audited as in production."""
    return {
        "api_addr": f"http://127.0.0.1:{port}",
        "cluster_addr": f"https://127.0.0.1:{cluster_port}",
        "plugin_directory": str(folder / "plugins"),
        "storage": {"raft": {"path": str(folder / "raft"), "node_id": "benchmark"}},
        "listener": [{"tcp": {"address": f"127.0.0.1:{port}", "tls_disable": True}}],
        # In JSON the server reads the labels of this block only as fields.
        "audit": [{"type": "file", "path": "file", "options": {"file_path": str(folder / "audit.log")}}],
    }


def setup_requests(digest: str, aws_url: str) -> Sequence[tuple[str, Mapping[str, object]]]:
    """Return the paths and bodies of the set-up, in order; *digest* is the SHA-256 of the plug-in."""
    root = {
        "access_key": "AKIABENCHMARKBENCHMK",
        "secret_key": "benchmark",
        "region": REGION,
        "sts_endpoint": aws_url,
        "iam_endpoint": aws_url,
    }
    role = {
        "credential_type": "assumed_role",
        "role_arns": [f"arn:aws:iam::{ACCOUNT}:role/duploservices-{TENANT}"],
    }
    return [
        ("sys/plugins/catalog/secret/aws", {"sha256": digest, "command": PLUGIN}),
        ("sys/mounts/aws", {"type": "aws"}),
        ("aws/config/root", root),
        (f"aws/roles/{TENANT}", role),
        ("sys/policies/acl/benchmark", {"policy": _POLICY}),
    ]


@contextmanager
def serve_openbao(programs: Programs, folder: Path, aws_url: str) -> Iterator[tuple[Served, Secret]]:
    """Serve a new OpenBao in *folder*; yield it with a token that may issue sessions of one role.

    Raises `OpenBaoFailed` with what the server said.
    """
    port, cluster_port = _free_port(), _free_port()
    (folder / "plugins").mkdir(parents=True)
    (folder / "raft").mkdir()
    # The server takes no symbolic link that leads out of its folder of plug-ins.
    shutil.copy2(programs.plugin, folder / "plugins" / PLUGIN)
    (folder / "config.json").write_text(json.dumps(configuration(folder, port, cluster_port)))
    log = folder / "openbao.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [programs.server, "server", f"-config={folder / 'config.json'}"],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        token = _set_up(_Client(port, process, log), _digest(folder / "plugins" / PLUGIN), aws_url)
        yield Served(port, _with_children(process.pid)), token
    finally:
        process.terminate()
        process.wait()


def _set_up(client: "_Client", digest: str, aws_url: str) -> Secret:
    # 501: not initialised, 503: sealed.
    client.wait_for_health({501})
    keys = client.ask("sys/init", {"secret_shares": 1, "secret_threshold": 1})
    client.ask("sys/unseal", {"key": keys["keys"][0]})
    client.wait_for_health({200})
    client.token = Secret(keys["root_token"])
    for path, body in setup_requests(digest, aws_url):
        client.ask(path, body)
    made = client.ask("auth/token/create", {"policies": ["benchmark"], "ttl": "24h"})
    client.token = token = Secret(made["auth"]["client_token"])
    # One session before the load: it starts the plug-in, and shows that the set-up is complete.
    session = client.ask(SESSION.path.removeprefix("/v1/"), SESSION.body or {})
    if not session.get("data", {}).get("security_token"):
        raise OpenBaoFailed(f"OpenBao issued no session. Its log ends with:\n{client.log_end()}")
    return token


@dataclass(slots=True)
class _Client:
    """Requests to a server that may not listen yet."""

    port: int
    process: "subprocess.Popen[bytes]"
    log: Path
    token: Secret | None = None

    def ask(self, path: str, body: Mapping[str, object]) -> Mapping[str, Any]:
        """Return the JSON of an answer, which is empty if it has no content. Raises `OpenBaoFailed`."""
        status, text = self._send("POST", path, json.dumps(body))
        if status >= 300:
            raise OpenBaoFailed(f"OpenBao answered {status} at {path}: {text}\n{self.log_end()}")
        answer: Mapping[str, Any] = json.loads(text) if text else {}
        return answer

    def wait_for_health(self, statuses: set[int]) -> None:
        """Return once the server answers with one of *statuses*."""
        give_up = time.monotonic() + _PATIENCE
        while True:
            try:
                if self._send("GET", "sys/health", None)[0] in statuses:
                    return
            except OSError:
                pass
            if self.process.poll() is not None or time.monotonic() > give_up:
                raise OpenBaoFailed(f"OpenBao did not start. Its log ends with:\n{self.log_end()}")
            time.sleep(0.05)

    def _send(self, method: str, path: str, body: str | None) -> tuple[int, str]:
        headers = {} if self.token is None else {"X-Vault-Token": self.token.reveal()}
        connection = HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE)
        try:
            connection.request(method, f"/v1/{path}", body, headers)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def log_end(self) -> str:
        """Return the last lines that the server has logged."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _with_children(pid: int) -> Sequence[int]:
    """Return a process and its children: the plug-in runs in a process of its own."""
    children = [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]
    return [pid, *children]
