"""A sandbox in a separate process, for demo and tests."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from daypass.sandbox.config import (
    DEFAULT_ACCOUNT,
    DEFAULT_REGION,
    ROOT_KEY_VARIABLE,
    ROOT_SECRET_VARIABLE,
    KeyPair,
)
from daypass.sandbox.control_client import ControlClient

_START_TIMEOUT = 30.0
_STOP_TIMEOUT = 5.0


class SandboxFailed(Exception):
    """The sandbox did not start; the message is its own output."""


class SandboxProcess:
    """A sandbox process, with its address and keys. The constructor waits until it serves.

    As a context manager it stops the process at the end of the block. Raises `SandboxFailed`.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        account_id: str = DEFAULT_ACCOUNT,
        region: str = DEFAULT_REGION,
        root: KeyPair | None = None,
        takes_templates: bool = False,
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="daypass-sandbox-")
        ready_file = Path(self._folder.name) / "ready.json"
        self._log = Path(self._folder.name) / "log"
        options = ["--port", str(port), "--account", account_id, "--region", region]
        options += ["--templates"] if takes_templates else []
        self._process = self._start(options, root, ready_file)
        try:
            self._wait_for(ready_file)
        except BaseException:
            self.stop()
            raise
        ready = json.loads(ready_file.read_text())
        self.endpoint_url: str = ready["endpoint_url"]
        self.account_id: str = ready["account_id"]
        self.region: str = ready["region"]
        self.root_key: str = ready["root_access_key_id"]
        self.root_secret: str = ready["root_secret_access_key"]
        self.control_token: str = ready["control_token"]
        self.control = ControlClient(self.endpoint_url, self.control_token)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def stop(self) -> None:
        """Stop the process and delete its files. Idempotent."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self, options: list[str], root: KeyPair | None, ready_file: Path) -> subprocess.Popen[bytes]:
        environment = dict(os.environ)
        # Half a key in the caller's environment would be an error.
        environment.pop(ROOT_KEY_VARIABLE, None)
        environment.pop(ROOT_SECRET_VARIABLE, None)
        if root is not None:
            environment[ROOT_KEY_VARIABLE] = root.access_key_id
            environment[ROOT_SECRET_VARIABLE] = root.secret_access_key
        command = [sys.executable, "-m", "daypass.sandbox", *options, "--ready-file", str(ready_file)]
        # A file, because a pipe that is not read would block the sandbox once it is full.
        with self._log.open("wb") as log:
            return subprocess.Popen(  # noqa: S603  our own interpreter, our own arguments
                command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def _wait_for(self, ready_file: Path) -> None:
        deadline = time.monotonic() + _START_TIMEOUT
        # The file is complete as soon as it exists.
        while not ready_file.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise SandboxFailed(self._log.read_text().strip() or "The sandbox ended without output.")
            time.sleep(0.02)
