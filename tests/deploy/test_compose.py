"""The services of deploy/compose."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from daypass.portal.commands.group import portal
from daypass.portal.config.variables import STOP_TIMEOUT
from tests.deploy.variables import FILE_NAMES, VARIABLE_NAMES

FILE = Path(__file__).parent.parent.parent / "deploy" / "compose" / "compose.yaml"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded = yaml.safe_load(FILE.read_text())
    assert isinstance(loaded, dict)
    return loaded


def check(file: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(file)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_file_follows_the_compose_specification(tmp_path: Path) -> None:
    misspelled = tmp_path / "compose.yaml"
    misspelled.write_text(FILE.read_text().replace("read_only:", "readonly:"))

    assert check(FILE).returncode == 0, check(FILE).stdout
    assert check(misspelled).returncode == 1


def test_every_service_is_confined_and_only_the_proxy_is_published(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    published = {name for name, service in compose["services"].items() if "ports" in service}

    assert published == {"proxy"}
    assert compose["services"]["database"]["networks"] == ["database"]
    assert compose["networks"]["database"] == {"internal": True}


def test_secrets_are_files(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert set(service.get("secrets", ())) <= compose["secrets"].keys()
        for variable, value in service.get("environment", {}).items():
            if re.search("PASSWORD|URL_FILE|CREDENTIALS|TOKEN", variable):
                assert value.removeprefix("/run/secrets/") in service["secrets"], name
    assert all(secret.keys() == {"file"} for secret in compose["secrets"].values())


def test_variables_and_commands_of_the_portal_exist(compose: dict[str, Any]) -> None:
    for name in ("portal", "migrate"):
        service = compose["services"][name]
        variables = {variable for variable in service["environment"] if variable.startswith("DAYPASS_")}
        assert variables <= VARIABLE_NAMES | FILE_NAMES
        assert service["command"][1] in portal.commands


def test_the_portal_starts_after_the_migration_and_has_the_time_to_stop(compose: dict[str, Any]) -> None:
    services = compose["services"]

    assert services["migrate"]["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert services["portal"]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    assert int(services["portal"]["stop_grace_period"].removesuffix("s")) > int(STOP_TIMEOUT.default or 0) + 5


def test_the_trusted_proxy_is_the_network_of_the_proxy(compose: dict[str, Any]) -> None:
    trusted = compose["services"]["portal"]["environment"]["DAYPASS_TRUSTED_PROXIES"]

    assert compose["networks"]["proxy"]["ipam"]["config"] == [{"subnet": trusted}]
    proxied = re.search(r"reverse_proxy (\S+)", (FILE.parent / "Caddyfile").read_text())
    listening = compose["services"]["portal"]["environment"]["DAYPASS_LISTEN"]
    assert proxied is not None
    assert proxied[1] == f"portal:{listening.rpartition(':')[2]}"
