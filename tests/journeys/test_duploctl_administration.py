"""Administration with the legacy client: PyPI's duploctl, unmodified, over TLS."""

import json
import uuid

from tests.journeys.terminal import Terminal, json_output

ADMIN = "admin@example.com"


def test_an_administrator_manages_users_and_their_access(terminal: Terminal) -> None:
    # Other workers use the same portal.
    name = f"rita-{uuid.uuid4().hex[:8]}@example.com"
    body = terminal.home / "user.json"
    body.write_text(json.dumps({"Username": name, "Roles": ["User"]}))

    made = json_output(terminal.duploctl(ADMIN, "user", "create", "--file", str(body)))
    assert (made["Username"], made["Roles"]) == (name, ["User"])
    assert json_output(terminal.duploctl(ADMIN, "user", "find", name))["Username"] == name
    assert name in [user["Username"] for user in json_output(terminal.duploctl(ADMIN, "user", "list"))]

    added = terminal.duploctl(ADMIN, "tenant", "add_user", name, "--tenant", "dev01")
    assert added.returncode == 0, added.stdout + added.stderr
    assert name in [
        one["Username"] for one in json_output(terminal.duploctl(ADMIN, "tenant", "list_users", "dev01"))
    ]
    removed = terminal.duploctl(ADMIN, "tenant", "remove_user", name, "--tenant", "dev01")
    assert removed.returncode == 0, removed.stdout + removed.stderr
    listed = json_output(terminal.duploctl(ADMIN, "tenant", "list_users", "dev01"))
    assert name not in [one["Username"] for one in listed]

    assert json_output(terminal.duploctl(ADMIN, "user", "delete", name))["message"]
    assert terminal.duploctl(ADMIN, "user", "find", name).returncode == 404 % 256


def test_an_administrator_manages_a_tenant_and_its_settings(terminal: Terminal) -> None:
    name = f"t{uuid.uuid4().hex[:8]}"
    body = terminal.home / "tenant.json"
    body.write_text(json.dumps({"AccountName": name, "PlanID": "default"}))

    assert json_output(terminal.duploctl(ADMIN, "tenant", "create", "--file", str(body)))["message"]
    assert json_output(terminal.duploctl(ADMIN, "tenant", "find", name))["PlanID"] == "default"

    def config(*words: str) -> list[tuple[str, str]]:
        changes = json_output(terminal.duploctl(ADMIN, "tenant", "config", name, *words))["changes"]
        return [(change["Operation"], change["Key"]) for change in changes]

    key = "aws_access_token_validity"
    assert config("--setvar", key, "7200") == [("create", key)]
    assert config("--setvar", key, "1800") == [("update", key)]
    assert config("--setvar", key, "1800") == []
    assert config("--deletevar", key) == [("delete", key)]

    noted = ("tenant", "set_metadata", name, "--metadata", "board", "url", "https://board.example")
    assert json_output(terminal.duploctl(ADMIN, *noted))["changes"]["created"] == ["board"]
    (note,) = json_output(terminal.duploctl(ADMIN, "tenant", "get_metadata", name))
    assert (note["Key"], note["Type"], note["Value"]) == ("board", "url", "https://board.example")
    gone = json_output(terminal.duploctl(ADMIN, "tenant", "set_metadata", name, "--delete", "board"))
    assert gone["changes"]["deleted"] == ["board"]

    assert json_output(terminal.duploctl(ADMIN, "tenant", "delete", name))["message"]
    assert terminal.duploctl(ADMIN, "tenant", "find", name).returncode == 404 % 256


def test_an_administrator_reads_the_system_and_its_plan(terminal: Terminal) -> None:
    assert json_output(terminal.duploctl(ADMIN, "system", "info"))["IsAwsCloudEnabled"]
    assert [plan["Name"] for plan in json_output(terminal.duploctl(ADMIN, "plan", "list"))] == ["default"]
    infrastructures = json_output(terminal.duploctl(ADMIN, "infrastructure", "list"))
    assert [one["Name"] for one in infrastructures] == ["default"]


def test_administrative_commands_are_refused_to_a_user_with_a_reason(terminal: Terminal) -> None:
    refused = terminal.duploctl(
        "dana@example.com", "tenant", "add_user", "dana@example.com", "--tenant", "dev01"
    )

    assert refused.returncode == 403 % 256
    assert "Administrators" in refused.stdout
