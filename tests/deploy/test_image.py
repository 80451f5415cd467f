"""The image of deploy/image, built by buildah on a Debian base that mmdebstrap makes."""

import hashlib
import os
import platform
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from daypass.portal.http.health import LIVENESS, READINESS
from tests.deploy.chroot import ROOT, Builder, in_container, run
from tests.processes import children_of

PACKAGES = ["python3", "python3-venv", "ca-certificates", "coreutils", "dash"]
USER = 65532
TOKEN = "a-token-from-a-file"
NAMELESS = """
import os, pwd
try:
    pwd.getpwuid(os.getuid())
except KeyError:
    raise SystemExit(0)
raise SystemExit("The user has a name.")
"""


def cache_folder() -> Path:
    """Return a folder that is kept from run to run."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(home) / "daypass-tests"
    (folder / "pip").mkdir(parents=True, exist_ok=True)
    (folder / "uv").mkdir(exist_ok=True)
    return folder


def debian_base() -> Path:
    """Return the archive of a root with Python; it is made once per machine, in about 15 seconds."""
    suite = platform.freedesktop_os_release()["VERSION_CODENAME"]
    # Extracted only: configuring the packages takes three times as long and adds nothing that is used here.
    command = ["mmdebstrap", "--variant=extract", f"--include={','.join(PACKAGES)}", suite]
    archive = cache_folder() / f"base-{hashlib.sha256(repr(command).encode()).hexdigest()[:16]}.tar"
    if not archive.exists():
        unfinished = archive.with_name(f"{os.getpid()}-{archive.name}")
        run(*command, unfinished)
        unfinished.rename(archive)
    return archive


def caches() -> Mapping[Path, str]:
    """Return the folders that the build uses instead of its own, and where."""
    # Root's own cache of uv has all packages already, from the set-up of the tests.
    own = Path.home() / ".cache" / "uv"
    uv = own if os.getuid() == 0 and own.is_dir() else cache_folder() / "uv"
    return {
        uv: "/root/.cache/uv",
        cache_folder() / "pip": "/root/.cache/pip",
        # A machine behind a proxy that inspects TLS has its authority here.
        Path("/etc/ssl/certs"): "/etc/ssl/certs:ro",
    }


def store(folder: Path) -> Path:
    """Return a folder for images: in memory if there is room, where the copies take a third of the time."""
    memory = Path("/dev/shm")  # noqa: S108  mkdtemp makes a private folder in it
    is_roomy = memory.is_dir() and shutil.disk_usage(memory).free > 2**31
    return Path(tempfile.mkdtemp(prefix="daypass-images-", dir=memory if is_roomy else folder))


@contextmanager
def built_image(folder: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Build the image; the root of a container of it, and the image's configuration."""
    builder = Builder(store(folder))
    try:
        config = builder.build(debian_base(), caches())
        yield builder.mount(), config
    finally:
        run("rm", "-rf", builder.store)


@contextmanager
def serving(command: Callable[[int], list[str]], log: Path) -> Iterator[tuple[int, str]]:
    """Run the portal as process 1 of its container; its process id outside, and its address.

    *command* takes the file descriptor to which the portal writes its address.
    """
    address, ready = os.pipe()
    with (
        log.open("wb") as stderr,
        subprocess.Popen(command(ready), stderr=stderr, pass_fds=[ready]) as started,
    ):
        os.close(ready)
        with os.fdopen(address) as pipe:
            url = pipe.readline().strip()
        assert url, log.read_text()
        pid = process_one(started.pid)
        try:
            yield pid, url
            assert started.wait(timeout=60) == 0, log.read_text()
        finally:
            # unshare cannot end its child: that child lost the parent-death signal when its user changed.
            if started.poll() is None:
                run("kill", "-KILL", pid)


def process_one(pid: int) -> int:
    """Return the process that has the id 1 in a namespace, among a process and its descendants."""
    status = Path(f"/proc/{pid}/status").read_text()
    if re.search(r"^NSpid:\s.*\s1$", status, re.MULTILINE):
        return pid
    (child,) = children_of(pid)
    return process_one(child)


def test_the_image_serves_as_a_user_without_a_name_on_a_read_only_root(tmp_path: Path) -> None:
    state, temporary = tmp_path / "state", tmp_path / "temporary"
    for folder in (state, temporary):
        folder.mkdir(mode=0o700)
        run("chown", f"{USER}:{USER}", folder)
    writable = {state: "/var/lib/daypass", temporary: "/tmp"}  # noqa: S108  inside the container
    secret = state / "token"
    secret.write_text(f"{TOKEN}\n")
    secret.chmod(0o400)
    run("chown", f"{USER}:{USER}", secret)

    with built_image(tmp_path) as (root, config):
        assert_the_configuration(config)
        config["Env"].extend(["DAYPASS_AWS_REGION=eu-central-1", "AWS_EC2_METADATA_DISABLED=true"])
        config["Env"].append("DAYPASS_METRICS_TOKEN_FILE=/var/lib/daypass/token")

        def contained(*words: str) -> list[str]:
            return in_container(root, config, writable, words)

        run(*contained("python", "-c", NAMELESS))
        # What SQLite does not need, but other deployments do.
        run(*contained("python", "-c", "import psycopg, opentelemetry.exporter.otlp.proto.http"))
        run(*contained(*config["Entrypoint"], "portal", "migrate"))

        def serve(ready: int) -> list[str]:
            command = [*config["Entrypoint"], *config["Cmd"], "--ready-fd", str(ready)]
            return contained("env", "DAYPASS_LISTEN=127.0.0.1:0", *command)

        with serving(serve, tmp_path / "log") as (pid, url):
            for path in (LIVENESS, READINESS):
                assert urlopen(f"{url}{path}", timeout=30).status == 200  # noqa: S310  http, of this test
            scrape = Request(f"{url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"})  # noqa: S310  the same
            assert b"daypass_build_info" in urlopen(scrape, timeout=30).read()  # noqa: S310  the same
            check = [
                "env",
                f"DAYPASS_LISTEN={url.removeprefix('http://')}",
                *config["Healthcheck"]["Test"][1:],
            ]
            run(*contained(*check))
            assert_confined(pid)
            run("kill", f"-{signal.SIGTERM.value}", pid)
        assert '"stopped"' in (tmp_path / "log").read_text()
        failed = subprocess.run(contained(*check), capture_output=True, text=True, check=False)
        assert (failed.returncode, failed.stderr[:21]) == (1, "daypass-healthcheck: ")

        assert {file.name.partition("-")[0] for file in state.iterdir()} == {"daypass.db", "token"}
        assert list(temporary.iterdir()) == []
        assert_nothing_of_the_build_is_left(root)


def assert_the_configuration(config: Mapping[str, Any]) -> None:
    assert config["User"] == f"{USER}:{USER}"
    assert config["Entrypoint"] == ["daypass"]
    assert config["Cmd"] == ["portal", "serve"]
    assert config["StopSignal"] == "SIGTERM"
    assert config["Healthcheck"]["Test"] == ["CMD", "daypass-healthcheck"]
    assert config["Volumes"].keys() == {"/var/lib/daypass"}
    assert config["Labels"]["org.opencontainers.image.version"] == "1.2.3"
    # A variable of the image would win over the operator's configuration file.
    assert not [variable for variable in config["Env"] if variable.startswith("DAYPASS_")]


def assert_confined(pid: int) -> None:
    status = dict(
        re.findall(r"^(\w+):[ \t]*(.*?)[ \t]*$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    )

    assert set(status["Uid"].split()) == {str(USER)}
    assert set(status["Gid"].split()) == {str(USER)}
    assert status["Groups"] == ""
    assert int(status["CapEff"], 16) == 0
    assert status["NoNewPrivs"] == "1"
    assert status["NSpid"].split()[-1] == "1"


def assert_nothing_of_the_build_is_left(root: Path) -> None:
    files = run("find", root / "opt/daypass", "-printf", "%P\\n")
    packages = set(re.findall(r"^lib/python3\.\d+/site-packages/([^/\n]+)$", files, re.MULTILINE))

    assert {"daypass", "granian", "opentelemetry"} <= packages
    assert not {"pytest", "ministack", "hatchling", "uv", "pip"} & packages
    # Compiled, because nothing can be written at run time.
    assert re.search(r"site-packages/daypass/__pycache__/main\.\S+\.pyc$", files, re.MULTILINE)


def test_the_base_is_pinned_by_its_digest() -> None:
    text = (ROOT / "deploy/image/Containerfile").read_text()
    (base,) = re.findall(r"^ARG BASE=(.*)$", text, re.MULTILINE)

    assert re.fullmatch(r"[a-z0-9./-]+:[a-z0-9.-]+@sha256:[0-9a-f]{64}", base)
    assert re.findall(r"^FROM (\S+)", text, re.MULTILINE) == ["${BASE}", "${BASE}"]


def test_the_image_is_built_from_locked_packages_only() -> None:
    text = (ROOT / "deploy/image/Containerfile").read_text()
    installs = re.findall(r"pip install ((?:.|\\\n)*?)(?:&&|\n)", text)

    assert len(installs) == 3
    for options in installs:
        assert "--require-hashes" in options or "--no-deps dist/" in options
    assert "uv export --quiet --frozen" in text
    requirements = (ROOT / "deploy/image/build-requirements.txt").read_text()
    assert len(re.findall(r"^\S+==", requirements, re.MULTILINE)) <= requirements.count("--hash=sha256:")


def test_the_context_of_the_build_is_what_it_copies() -> None:
    ignore = (ROOT / ".containerignore").read_text().splitlines()
    allowed = {line.removeprefix("!") for line in ignore if line.startswith("!")}
    text = (ROOT / "deploy/image/Containerfile").read_text()
    copied = {
        word
        for words in re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.MULTILINE)
        for word in words.split()
        if not word.startswith("--")
    }

    assert "*" in ignore
    assert copied <= allowed | {
        f"deploy/image/{name}" for name in ("build-requirements.txt", "healthcheck.py")
    }
    assert (ROOT / ".dockerignore").readlink() == Path(".containerignore")
