"""A new setting, even of a new type, is in the forms, the API and `daypass apply` once it is registered."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest

import daypass.portal.http
from daypass.cli.declarative import live_state, manifest
from daypass.cli.declarative.plan import plan
from daypass.portal.http.layout.cookies import SESSION
from daypass.portal.http.layout.csrf import FIELD, csrf_token
from daypass.portal.identity.model import TokenKind
from daypass.portal.settings.codecs import Codec, Flag
from daypass.portal.settings.registry import APP_CONFIG, REGISTRY, Registry
from daypass.portal.settings.setting import TENANT, Setting
from daypass.portal.settings.store import SettingStore
from tests.cli.near import portal_client
from tests.portal.http.client import Answer
from tests.portal.http.world import ADMIN, DEV, PUBLIC_URL, World
from tests.portal.http.world import world as make_world

CONFIG, FEATURES = "/administrator/system-settings", f"/administrator/tenants/{DEV.id}/settings"


@dataclass(frozen=True, slots=True)
class Count(Codec[int]):
    """A type of setting that the portal does not have: a number up to a limit."""

    limit: int

    @property
    def kind(self) -> str:
        """The name of the type in the API."""
        return "count"

    @property
    def accepted_values(self) -> str:
        """The range."""
        return f"a number up to {self.limit}"

    def parse(self, text: str) -> int:
        """Return the number; raises `ValueError`."""
        if not 0 <= int(text) <= self.limit:
            raise ValueError(text)
        return int(text)

    def to_text(self, value: int) -> str:
        """Return the digits."""
        return str(value)

    def elevates(self, old: int | None, new: int | None) -> bool:
        """Return whether the number goes up."""
        return (new or 0) > (old or 0)


SESSIONS = Setting(
    label="Sessions Per User",
    type=APP_CONFIG,
    key="SessionsPerUser",
    codec=Count(limit=9),
    default=3,
    help="How many sessions a user may have.",
    documentation="For tests.",
)

REVIEWED = Setting(
    label="Reviewed",
    type=TENANT,
    key="is_reviewed",
    codec=Flag(),
    default=False,
    help="Whether the tenant was reviewed.",
    documentation="For tests.",
)

FILE = """
settings:
  AppConfig: {SessionsPerUser: 6}
tenants:
  dev01:
    settings: {is_reviewed: true}
"""


@pytest.fixture
def world(sqlite_url: str) -> Iterator[World]:
    with make_world(sqlite_url, registry=Registry([*REGISTRY, SESSIONS, REVIEWED])) as made:
        yield made


def open_page(world: World, address: str, query: str = "", fields: dict[str, str] | None = None) -> Answer:
    cookie, _ = world.token(ADMIN, TokenKind.BROWSER, grant_ends_at=world.clock.now.replace(hour=23))
    headers = [("Accept", "text/html"), ("Cookie", f"{SESSION}={cookie}")]
    if fields is None:
        return world.client().get(address, headers=headers, query=query)
    headers += [("Content-Type", "application/x-www-form-urlencoded"), ("Origin", PUBLIC_URL)]
    body = urlencode({FIELD: csrf_token(cookie), **fields}).encode()
    return world.client().send("POST", address, headers=headers, body=body)


def read(world: World) -> tuple[int, bool]:
    with world.database.reading() as connection:
        values = SettingStore(connection).read(DEV.id)
    return values.get(SESSIONS), values.get(REVIEWED)


def test_its_form_has_a_field_that_sets_and_changes_it(world: World) -> None:
    added = {"config_type": APP_CONFIG, "key:AppConfig": SESSIONS.key}
    field = "value:AppConfig/SessionsPerUser"
    assert f'name="{field}"' in open_page(world, CONFIG).body.decode()
    assert 'name="value:is_reviewed"' in open_page(world, FEATURES).body.decode()

    refused = open_page(world, CONFIG, fields={**added, field: "10"})
    assert refused.status == 422
    assert "“Sessions Per User” takes a number up to 9." in refused.body.decode()
    assert open_page(world, CONFIG, fields={**added, field: "4"}).status == 303
    fields = {"key": REVIEWED.key, "value:is_reviewed": "true"}
    assert open_page(world, FEATURES, fields=fields).status == 303

    assert read(world) == (4, True)
    change = open_page(world, CONFIG, f"type=AppConfig&key={SESSIONS.key}").body.decode()
    assert f'id="change-value" name="{field}" type="text" value="4"' in change


def test_the_api_describes_and_sets_it(world: World) -> None:
    client, token = world.client(), world.tokens[ADMIN]

    known = {one["key"]: one for one in client.get("/api/v1/settings", token).json["known"]}
    assert (known[SESSIONS.key]["kind"], known[SESSIONS.key]["default"]) == ("count", "3")
    path = f"/api/v1/settings/AppConfig/{SESSIONS.key}"
    statuses = [
        client.send(
            "PUT", path, token, body=json.dumps({"value": text}).encode(), headers=[("If-None-Match", "*")]
        ).status
        for text in ("-1", "5")
    ]

    assert statuses == [422, 200]
    assert read(world) == (5, False)


def test_a_file_to_apply_contains_it(world: World) -> None:
    with portal_client(world) as portal:
        for step in plan("file", manifest.read(FILE, "file"), live_state.read(portal), prune=False).steps:
            portal.call(step.method, step.path, step.body, "testing", step.condition)
        left = plan("file", manifest.read(FILE, "file"), live_state.read(portal), prune=False).steps

    assert left == []
    assert read(world) == (6, True)


def test_no_page_or_script_names_a_setting() -> None:
    http = Path(daypass.portal.http.__file__).parent
    files = [file for kind in ("html", "js") for file in http.rglob(f"*.{kind}")]
    assert files

    named = {file.name for file in files for setting in REGISTRY if setting.key in file.read_text()}

    assert named == set()
