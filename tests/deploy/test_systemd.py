"""The systemd units of deploy/systemd."""

import re
import shlex
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from daypass.portal.commands.group import portal
from daypass.portal.config.variables import STOP_TIMEOUT
from tests.deploy.variables import VARIABLE_NAMES

UNITS = Path(__file__).parent.parent.parent / "deploy" / "systemd"
NAMES = ["daypass.service", "daypass-migrate.service"]
INSTALLED = "/opt/daypass/bin/daypass"

Unit = Mapping[str, Sequence[str]]


def read_unit(text: str) -> Unit:
    """Return the values of each key; keys are unique among the sections of these units."""
    values: dict[str, list[str]] = defaultdict(list)
    for line in text.splitlines():
        key, is_setting, value = line.partition("=")
        if is_setting and not line.startswith("#"):
            values[key].append(value)
    return values


def one(unit: Unit, key: str) -> str:
    (value,) = unit[key]
    return value


def seconds(text: str) -> float:
    parts = re.fullmatch(r"(\d+)(ms|s|min)?", text)
    assert parts is not None, text
    return int(parts[1]) * {None: 1, "s": 1, "ms": 0.001, "min": 60}[parts[2]]


def reaches_the_start_limit(unit: Unit) -> bool:
    """Return whether systemd gives up a unit whose starts all fail at once; omitted keys have defaults."""
    interval = seconds(unit.get("StartLimitIntervalSec", ["10"])[-1])
    burst = int(unit.get("StartLimitBurst", ["5"])[-1])
    pause = seconds(unit.get("RestartSec", ["100ms"])[-1])
    # systemd.unit(5): an interval of 0 disables the limit.
    return interval > 0 and pause * burst < interval


@pytest.fixture(scope="module", params=NAMES)
def unit(request: pytest.FixtureRequest) -> Unit:
    return read_unit((UNITS / request.param).read_text())


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """Copies of the units whose command exists on this machine, because systemd looks for it."""
    command = shutil.which("true")
    for name in NAMES:
        text = (UNITS / name).read_text()
        assert INSTALLED in text
        (tmp_path / name).write_text(text.replace(INSTALLED, str(command)))
    return tmp_path


def analyze(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = ["systemd-analyze", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def verify(folder: Path) -> tuple[int, str]:
    verified = analyze("verify", "--man=no", *(folder / name for name in NAMES))
    return verified.returncode, verified.stdout + verified.stderr


def test_systemd_accepts_the_units_without_a_warning(installed: Path) -> None:
    assert verify(installed) == (0, "")


def test_a_misspelled_setting_of_a_unit_is_found(installed: Path) -> None:
    file = installed / NAMES[0]
    file.write_text(file.read_text().replace("ProtectHome=", "ProtectHomes="))

    assert "Unknown key" in verify(installed)[1]


@pytest.mark.parametrize("name", NAMES)
def test_the_sandbox_of_a_unit_leaves_little_exposed(installed: Path, name: str) -> None:
    """The threshold is ten times the exposure; the network and local sockets alone make up a third of it."""
    rated = analyze("security", "--offline=yes", "--threshold=12", installed / name)

    assert rated.returncode == 0, rated.stdout


def test_both_units_have_the_same_sandbox() -> None:
    texts = [(UNITS / name).read_text().partition("\nProtectHome=")[2] for name in NAMES]
    sandboxes = [read_unit("ProtectHome=" + text.partition("\n[")[0]) for text in texts]

    assert sandboxes[0] == sandboxes[1]
    assert "SystemCallFilter" in sandboxes[0]


def test_a_database_that_is_away_for_long_never_stops_the_restarts(unit: Unit) -> None:
    assert not reaches_the_start_limit(unit)


@pytest.mark.parametrize(
    ("text", "is_reached"),
    [
        ("Restart=on-failure", True),
        ("RestartSec=1", True),
        ("RestartSec=2", False),
        ("RestartSec=5\nStartLimitIntervalSec=60", True),
        ("StartLimitIntervalSec=0", False),
    ],
)
def test_the_start_limit_is_computed(text: str, is_reached: bool) -> None:
    assert reaches_the_start_limit(read_unit(text)) is is_reached


def test_every_restart_of_the_portal_begins_with_the_migration() -> None:
    """A restart pulls in Wants= again, and a oneshot that has ended runs again; see systemd.unit(5)."""
    service, migration = (read_unit((UNITS / name).read_text()) for name in NAMES)

    assert one(service, "Restart") == "always"
    assert NAMES[1] in one(service, "Wants")
    assert NAMES[1] in one(service, "After")
    # A failed requirement cancels the start without a restart.
    assert not {"Requires", "BindsTo", "Requisite"} & service.keys()
    assert one(migration, "Type") == "oneshot"
    assert "RemainAfterExit" not in migration


def test_systemd_waits_longer_than_the_portal_takes_to_stop() -> None:
    service = read_unit((UNITS / NAMES[0]).read_text())

    assert seconds(one(service, "TimeoutStopSec")) > int(STOP_TIMEOUT.default or "") + 5


def test_systemd_hears_from_the_portal_when_it_serves_and_reloads() -> None:
    service = read_unit((UNITS / NAMES[0]).read_text())

    assert one(service, "Type") == "notify"
    assert "-HUP ${MAINPID}" in one(service, "ExecReload")


def test_secrets_are_credentials_of_the_unit(unit: Unit) -> None:
    """A name without a path is looked for in /etc/credstore, and may be absent there."""
    assert set(unit["LoadCredential"]) <= {name.lower() for name in VARIABLE_NAMES}
    assert "daypass_database_url" in unit["LoadCredential"]


def test_commands_of_the_portal_run_as_its_unit_does() -> None:
    """Otherwise they would use another database, or open the folder of the portal's to every user."""
    service = read_unit((UNITS / NAMES[0]).read_text())
    words = shlex.split((UNITS / "daypass-portal").read_text(), comments=True)
    assigned = read_unit("\n".join(word.removeprefix("--property=") for word in words))

    for key in ("EnvironmentFile", "LoadCredential", "StateDirectory", "StateDirectoryMode", "UMask"):
        assert assigned[key] == service[key]
    assert f"--uid={one(service, 'User')}" in words
    assert words[-3:] == [INSTALLED, "portal", "$@"]


def test_the_command_of_a_unit_exists(unit: Unit) -> None:
    program, group, *words = one(unit, "ExecStart").split()

    asked = CliRunner().invoke(portal, [*words, "--help"])

    assert (program, group) == (INSTALLED, "portal")
    assert asked.exit_code == 0, asked.output
