"""`daypass apply` and `export`: idempotence, plans, pruning and errors."""

import re
import sys
from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daypass.cli.api.client import Answer, Portal
from daypass.cli.app import run
from daypass.cli.declarative import live_state, manifest
from daypass.cli.declarative.permission_sets import BUILT_IN_SETS
from daypass.cli.declarative.plan import ADD, CHANGE, REMOVE, Plan, plan
from daypass.cli.runtime.errors import UsageError
from daypass.common.usernames import canonical_username
from daypass.main import EXTRA_COMMANDS, now
from daypass.portal.diagnostics.finding import Finding, Level
from daypass.portal.errors import AwsThrottled
from daypass.portal.tenants.model import Tenant
from daypass.portal.tenants.roles import RoleState
from tests.captured_log import captured_log
from tests.cli.near import portal_client
from tests.portal.groups.examples import PLATFORM, SCIM, add
from tests.portal.http.world import DANA, World
from tests.portal.http.world import world as make_world

FILE = """
users:
  rita@example.com: {role: User}
  dana@example.com:
    role: Administrator
tenants:
  team01:
    region: eu-central-1
    members:
      rita@example.com: read-only
      Dana@Example.com: full
    settings:
      aws_access_token_validity: 7200
      delete_protection: true
    metadata:
      owner: team blue
      cost/centre: 4711
      dashboard: {kind: url, value: "https://grafana.example.com/d/team01"}
  dev01: {}
settings:
  Flags:
    EnableAwsAdminJitAccess: true
  AppConfig:
    MaximumSessionDuration: 14400
"""


@pytest.fixture(autouse=True)
def log() -> Iterator[None]:
    """Keep the portal's log out of the command's output."""
    with captured_log():
        yield


@pytest.fixture
def world(sqlite_url: str) -> Iterator[World]:
    with make_world(sqlite_url) as made:
        yield made


@pytest.fixture
def portal(world: World) -> Iterator[Portal]:
    with portal_client(world) as reached:
        yield reached


def planned(portal: Portal, text: str, *, prune: bool = False) -> Plan:
    return plan("file", manifest.read(text, "file"), live_state.read(portal), prune=prune)


def carry_out(portal: Portal, steps: Plan) -> None:
    for step in steps.steps:
        portal.call(step.method, step.path, step.body, "testing", step.condition)


def test_applying_a_file_a_second_time_plans_nothing(portal: Portal) -> None:
    found = planned(portal, FILE)
    assert (found.count(ADD), found.count(CHANGE), found.count(REMOVE)) == (11, 1, 0)

    carry_out(portal, found)

    assert planned(portal, FILE).steps == []
    there = live_state.read(portal).manifest
    assert there.users is not None
    assert there.users[DANA].role == "Administrator"
    assert there.tenants is not None
    assert there.tenants["team01"].members == {DANA: "full", "rita@example.com": "read-only"}
    assert there.tenants["team01"].settings == {
        "aws_access_token_validity": "7200",
        "delete_protection": "true",
    }
    assert there.tenants["team01"].metadata == {
        "cost/centre": manifest.MetadataEntry("text", "4711"),
        "dashboard": manifest.MetadataEntry("url", "https://grafana.example.com/d/team01"),
        "owner": manifest.MetadataEntry("text", "team blue"),
    }


def test_applying_an_export_plans_nothing(portal: Portal) -> None:
    carry_out(portal, planned(portal, FILE))

    exported = manifest.write(live_state.read(portal).manifest)

    assert planned(portal, exported, prune=True).steps == []


SETS = """
permission_sets:
  operator:
    rank: 500
    denies:
      - Effect: Deny
        Action: [lambda:UpdateFunctionCode, "iam:*"]
        Resource: "*"
        Condition: {Bool: {aws:ViaAWSService: false}, NumericLessThan: {"s3:max-keys": 5}}
  data-reader: {rank: 100, description: Reads., policies: ["aws:ReadOnlyAccess"]}
tenants:
  dev01:
    members: {dana@example.com: operator}
  data01: {}
  prod01: {}
"""


def test_permission_sets_are_applied_before_their_members_and_pruned_after_them(portal: Portal) -> None:
    found = planned(portal, SETS)
    assert [(step.sign, step.subject) for step in found.steps] == [
        (ADD, "permission set operator"),
        (ADD, "permission set data-reader"),
        (CHANGE, "member dana@example.com of dev01"),
    ]
    carry_out(portal, found)
    assert planned(portal, SETS).steps == []
    exported = manifest.write(live_state.read(portal).manifest)
    assert planned(portal, exported, prune=True).steps == []

    changed = SETS.replace("rank: 500", "rank: 400").replace("operator}", "read-only}")
    found = planned(portal, changed.replace("  data-reader", "  # data-reader"), prune=True)
    assert [(step.sign, step.subject, *step.lines()) for step in found.steps] == [
        (CHANGE, "permission set operator", "rank: 500 → 400"),
        (CHANGE, "member dana@example.com of dev01", "access: operator → read-only"),
        (REMOVE, "permission set data-reader"),
    ]
    carry_out(portal, found)
    assert live_state.read(portal).versions.permission_sets.keys() == {"operator"}


RULES = """
users: {shop-deployer: {description: Deploys the shop.}}
tenants: {dev01: {members: {shop-deployer: full}}}
workload_rules:
  shop:
    kind: github
    service_account: shop-deployer
    claims: {repository_id: 4711, repository_owner_id: 42, environment: production}
    tenants: {dev01: read-only}
    session_tags: {repository: repository}
    session_limit: 7200
"""


def test_workload_rules_are_applied_exported_and_pruned(portal: Portal) -> None:
    carry_out(portal, planned(portal, RULES))

    assert planned(portal, RULES).steps == []
    exported = manifest.write(live_state.read(portal).manifest)
    assert "audience: https://portal.example.com" in exported
    assert "token_lifetime" not in exported, "It has its default."
    assert planned(portal, exported).steps == []
    (changed,) = planned(portal, RULES.replace("7200", "900")).steps
    assert list(changed.lines()) == ["session_limit: 7200 → 900"]
    (changed,) = planned(portal, RULES.replace("    session_limit: 7200\n", "    disabled: true\n")).steps
    assert list(changed.lines()) == ["session_limit: 7200 → 3600", "disabled: false → true"]
    (removed,) = planned(portal, "workload_rules: {}", prune=True).steps
    assert removed.subject == "workload rule shop"


GROUPS = """
tenants:
  dev01: {}
  data01: {}
  prod01: {}
groups:
  developers:
    description: Write the software.
    members: [Dana@Example.com, noor@example.com]
    memberships:
      dev01: full
      data01: {permission_set: read-only, ends_at: 2027-06-30T20:00:00+02:00}
  readers: {}
"""


def test_groups_are_applied_with_members_and_access_and_pruned(portal: Portal) -> None:
    found = planned(portal, GROUPS)
    assert [(step.sign, step.subject) for step in found.steps] == [
        (ADD, "group developers"),
        (ADD, "member dana@example.com of group developers"),
        (ADD, "member noor@example.com of group developers"),
        (ADD, "access of group developers to dev01"),
        (ADD, "access of group developers to data01"),
        (ADD, "group readers"),
    ]
    carry_out(portal, found)
    assert planned(portal, GROUPS).steps == []
    exported = manifest.write(live_state.read(portal).manifest)
    assert "ends_at: '2027-06-30T18:00:00+00:00'" in exported
    assert planned(portal, exported, prune=True).steps == []

    changed = (
        GROUPS.replace("Write", "Wrote")
        .replace(", noor@example.com", "")
        .replace("dev01: full", "prod01: full")
    )
    changed = changed.replace(", ends_at: 2027-06-30T20:00:00+02:00", "").replace("  readers: {}\n", "")
    found = planned(portal, changed, prune=True)
    assert [(step.sign, step.subject, *step.lines()) for step in found.steps] == [
        (CHANGE, "group developers", "description: Write the software. → Wrote the software."),
        (ADD, "access of group developers to prod01", "permission_set: full"),
        (CHANGE, "access of group developers to data01", "ends_at: 2027-06-30T18:00:00+00:00 → None"),
        (REMOVE, "access of group developers to dev01"),
        (REMOVE, "member noor@example.com of group developers"),
        (REMOVE, "group readers"),
    ]
    carry_out(portal, found)
    assert planned(portal, changed, prune=True).steps == []


def test_groups_of_a_provider_keep_their_members_and_those_of_scim_are_never_pruned(
    world: World, portal: Portal
) -> None:
    with world.database.writing() as connection:
        for group in (PLATFORM, SCIM):
            add(connection, group, world.users[DANA])

    exported = manifest.write(live_state.read(portal).manifest)
    assert "okta/platform:\n    value: daypass-platform\n    makes_administrators: true\n" in exported
    assert "okta/scim: {}\n" in exported
    assert planned(portal, exported, prune=True).steps == []
    [lost] = planned(portal, "groups: {}", prune=True).steps
    assert (lost.sign, lost.subject) == (REMOVE, "group okta/platform")
    given = planned(portal, "groups: {okta/scim: {memberships: {dev01: full}}}")
    carry_out(portal, given)
    assert [step.subject for step in given.steps] == ["access of group okta/scim to dev01"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("groups: {a: {members: [nobody]}}", "there is no user “nobody” for “a”"),
        ("groups: {a: {memberships: {none: full}}}", "there is no tenant “none”"),
        ("groups: {a: {memberships: {dev01: none}}}", "there is no permission set “none”"),
        ("groups: {a: {value: b}}", "written PROVIDER/NAME"),
        ("groups: {okta/a: {members: [dana@example.com]}}", "come from the provider"),
        ("groups: {okta/a: {}}", "needs the value of the claim"),
        ("groups: {okta/platform: {value: other}}", "cannot be changed"),
        ("groups: {a: {makes_administrators: perhaps}}", "true or false"),
        ("groups: {a: {members: dana}}", "a list of usernames"),
        ("groups: {a: {memberships: {dev01: {ends_at: 2027-06-30T18:00:00}}}}", "a time with a time zone"),
        ("groups: {a: {memberships: {dev01: {ends_at: soon}}}}", "a time with a time zone"),
        ("groups: {a: {colour: red}}", "“colour” is not known here"),
    ],
)
def test_a_group_that_cannot_be_applied_is_an_error_with_its_line(
    world: World, portal: Portal, text: str, problem: str
) -> None:
    with world.database.writing() as connection:
        add(connection, PLATFORM)

    with pytest.raises(UsageError, match=f"line 1: .*{problem}"):
        planned(portal, text)


OWN_ROLE = "permission_sets:\n  analyst: {rank: 300, own_role: true}\n"
WITH_POLICIES = "permission_sets:\n  analyst: {rank: 300, policies: [own]}\n"


def test_a_set_gets_and_loses_a_role_of_its_own(portal: Portal) -> None:
    carry_out(portal, planned(portal, OWN_ROLE))

    live = live_state.read(portal).manifest
    assert planned(portal, OWN_ROLE).steps == []
    assert planned(portal, manifest.write(live), prune=True).steps == []
    assert "own_role: true" in manifest.write(live)
    [lost] = planned(portal, WITH_POLICIES).steps
    assert [*lost.lines()] == ['policies: [] → ["own"]', "own_role: true → false"]
    # An older portal refuses a field that it does not know.
    assert lost.body is not None
    assert "own_role" not in lost.body
    carry_out(portal, planned(portal, WITH_POLICIES))
    assert planned(portal, WITH_POLICIES).steps == []
    assert "own_role" not in manifest.write(live_state.read(portal).manifest)
    [gained] = planned(portal, OWN_ROLE).steps
    assert [*gained.lines()] == ['policies: ["own"] → []', "own_role: false → true"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("workload_rules: {shop: {kind: github}}", "line 1: a workload rule needs service_account"),
        (
            "workload_rules: {s: {kind: aws, service_account: x, claims: {}, session_limit: 1h}}",
            "line 1: a number of seconds is expected in session_limit",
        ),
        (
            "workload_rules: {s: {kind: aws, service_account: x, claims: {}, disabled: perhaps}}",
            "line 1: disabled is true or false",
        ),
        ("permission_sets: {full: {rank: 5}}", "line 1: “full” is a built-in permission set"),
        ("permission_sets: {operator: {}}", "line 1: a permission set needs a rank"),
        ("permission_sets: {operator: {rank: high}}", "line 1: a permission set needs a rank"),
        ("permission_sets: {operator: {rank: 5, denies: x}}", "line 1: a list is expected in denies"),
        (
            "permission_sets: {operator: {rank: 5, description: [x]}}",
            "line 1: a text is expected in description",
        ),
        (
            "permission_sets: {operator: {rank: 5, own_role: true, policies: [own]}}",
            "line 1: a permission set has either policies and denies or own_role: true",
        ),
        (
            "permission_sets: {operator: {rank: 5}}",
            "line 1: a permission set has either policies and denies or own_role: true",
        ),
        (
            "permission_sets: {operator: {rank: 5, own_role: perhaps}}",
            "line 1: true or false is expected in own_role",
        ),
        (
            "permission_sets: {operator: {rank: 5, own_role: [true]}}",
            "line 1: true or false is expected in own_role",
        ),
        ("permission_sets: {operator: {rank: 5, allows: []}}", "line 1: “allows” is not known here"),
        (
            "tenants: {dev01: {members: {dana@example.com: nothing}}}",
            "line 1: there is no permission set “nothing” for “dana@example.com” in “dev01”. "
            "The sets are full, read-only.",
        ),
    ],
)
def test_a_permission_set_that_cannot_be_applied_is_named_with_its_line(
    portal: Portal, text: str, problem: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(problem)):
        planned(portal, text)


def test_entries_that_the_file_does_not_list_stay_without_prune(portal: Portal) -> None:
    carry_out(portal, planned(portal, FILE))
    less = "tenants:\n  dev01:\n    members: {}\n  prod01: {}\n"

    kept, pruned = planned(portal, less), planned(portal, less, prune=True)
    assert (kept.steps, kept.unlisted) == ([], 3)
    carry_out(portal, pruned)

    there = live_state.read(portal).manifest
    assert set(there.tenants or {}) == {"dev01", "prod01"}
    assert (there.tenants or {})["dev01"].members == {}
    assert (there.tenants or {})["prod01"].members == {DANA: "read-only"}
    assert there.users is not None
    assert "rita@example.com" in there.users


def test_metadata_is_changed_with_its_kind_and_pruned_in_listed_tenants_only(
    portal: Portal,
) -> None:
    carry_out(portal, planned(portal, FILE))
    less = "tenants:\n  team01:\n    metadata: {dashboard: see the wiki, owner: team blue}\n"

    (changed,) = planned(portal, less).steps
    pruned = planned(portal, less, prune=True)
    carry_out(portal, pruned)

    assert (changed.sign, changed.subject) == (CHANGE, "metadata dashboard of team01")
    assert list(changed.lines()) == [
        "kind: url → text",
        "value: https://grafana.example.com/d/team01 → see the wiki",
    ]
    assert pruned.steps[1].subject == "metadata cost/centre of team01"
    assert planned(portal, less, prune=True).steps == []


def test_the_system_maximum_is_raised_before_the_tenants_and_lowered_after_them(portal: Portal) -> None:
    def both(seconds: int) -> str:
        tenant = f"tenants:\n  dev01:\n    settings: {{aws_role_max_session_duration: {seconds}}}\n"
        return f"{tenant}settings:\n  AppConfig: {{MaximumSessionDuration: {seconds}}}\n"

    for seconds in (7200, 43200, 3600):
        carry_out(portal, planned(portal, both(seconds)))

        assert planned(portal, both(seconds)).steps == []


class Older(Portal):
    """A portal without metadata: its path is replaced by an unknown one."""

    __slots__ = ()

    def call(self, method: str, path: str, *more: Any, **options: Any) -> Answer:  # noqa: ANN401  passed on
        """Call it."""
        return super().call(method, path.replace("/tenant-metadata", "/tenant-nothing"), *more, **options)


def test_metadata_is_refused_for_an_older_portal(portal: Portal) -> None:
    older = Older(portal.origin, portal.bearer, portal.trust)
    less = "tenants:\n  dev01:\n    metadata: {}\n  new01: {region: eu-central-1}\n"

    carry_out(older, planned(older, less, prune=False))
    exported = manifest.write(live_state.read(older).manifest)

    assert planned(older, exported, prune=True).steps == []
    with pytest.raises(
        UsageError, match=r"file, line 3: this portal does not support metadata\..* of “dev01”"
    ):
        planned(older, "tenants:\n  dev01:\n    metadata: {owner: team blue}\n")


WRONG = (
    (
        "users:\n  a@example.com:\n    colour: red\n",
        3,
        "“colour” is not known here; a user has role",
    ),
    (
        "colour: red\n",
        1,
        "“colour” is not known here; the file has users, permission_sets, tenants, groups, settings, "
        "workload_rules",
    ),
    ("tenants:\n  t1:\n    role: x\n", 3, "a tenant has region, role_arn"),
    ("users:\n  a: {role: Root}\n", 2, "a role is User or Administrator"),
    ("users:\n  a: {disabled: perhaps}\n", 2, "disabled is true or false"),
    ("users:\n  a: {}\n  A: {}\n", 3, "“a” occurs twice"),
    ("users:\n  a: {}\n  a: {}\n", 3, "“a” occurs twice"),
    ("users:\n  - a\n", 2, "a mapping (name: value)"),
    ("settings:\n  Flags:\n    x: [1]\n", 3, "a single value"),
    ("settings:\n  Flags:\n    x:\n", 3, "a single value"),
    ("tenants:\n  t1:\n    metadata:\n      a: {kind: colour, value: x}\n", 4, "a kind is text, url or"),
    ("tenants:\n  t1:\n    metadata:\n      a: {kind: url}\n", 4, "a value is missing here"),
    ("tenants:\n  t1:\n    metadata:\n      a: {colour: x}\n", 4, "a metadata entry has kind, value"),
    ("tenants:\n  t1:\n    metadata:\n      a: [x]\n", 4, "a mapping (name: value)"),
    ("tenants:\n  t1:\n    metadata:\n      a:\n", 4, "a single value"),
    ("tenants:\n  t1:\n    metadata: {a: b,\n      c//d: e}\n", 4, "a key begins with no slash"),
    ("tenants:\n  t1:\n    settings:\n      /a: 1\n", 4, "a key begins with no slash"),
    ("settings:\n  Flags:\n    a//b: 1\n", 3, "a key begins with no slash"),
    ("users: [\n", 2, ""),
    ("a: *nothing\n", 1, ""),
    ("- 1\n", 1, "a mapping (name: value)"),
)


@pytest.mark.parametrize(("text", "line", "problem"), WRONG)
def test_an_invalid_file_is_refused_with_the_line(text: str, line: int, problem: str) -> None:
    with pytest.raises(UsageError, match=f"^file, line {line}: .*{re.escape(problem)}"):
        manifest.read(text, "file")


def test_an_impossible_plan_is_refused_with_the_line(portal: Portal) -> None:
    with pytest.raises(UsageError, match="file, line 2: the new tenant “new01” needs a region"):
        planned(portal, "tenants:\n  new01: {}\n")
    with pytest.raises(UsageError, match="file, line 3: there is no user “nobody”"):
        planned(portal, "tenants:\n  dev01:\n    members: {nobody: full}\n")


texts = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=12)
values = (
    texts | st.integers(0, 99999).map(str) | st.sampled_from(["true", "false", "null", "007", "1e3", "~", ""])
)
keys = texts.filter(lambda key: not key.startswith("/") and "//" not in key)
estates = st.builds(
    manifest.Manifest,
    st.dictionaries(
        texts.map(canonical_username).filter(lambda name: name.isprintable() and name != ""),
        st.builds(manifest.User, st.sampled_from(manifest.ROLES), st.booleans()),
        max_size=4,
    ),
    st.dictionaries(
        st.from_regex("[a-z]{2,8}", fullmatch=True),
        st.builds(
            manifest.Tenant,
            st.just(0),
            st.just("eu-central-1"),
            st.just("arn"),
            st.just("x"),
            st.just({}),
            st.dictionaries(keys, values, max_size=3),
            st.dictionaries(
                keys, st.builds(manifest.MetadataEntry, st.sampled_from(manifest.KINDS), values), max_size=3
            ),
        ),
        max_size=3,
    ),
    st.dictionaries(st.tuples(texts, keys), values, max_size=4),
)


@settings(max_examples=100)
@given(whole=estates)
def test_a_written_manifest_is_read_back_unchanged(whole: manifest.Manifest) -> None:
    read = manifest.read(manifest.write(whole), "file")

    assert read.settings == whole.settings
    assert {name: (one.settings, one.metadata) for name, one in (read.tenants or {}).items()} == {
        name: (one.settings, one.metadata) for name, one in (whole.tenants or {}).items()
    }
    assert {name: (user.role, user.disabled or False) for name, user in (read.users or {}).items()} == {
        name: (user.role, user.disabled) for name, user in (whole.users or {}).items()
    }


names = st.from_regex("[a-z]{3,8}@example[.]com", fullmatch=True)


@st.composite
def files(draw: st.DrawFn) -> str:
    users = draw(st.dictionaries(names, st.sampled_from(manifest.ROLES), min_size=1, max_size=3))
    lines = ["users:", *(f"  {name}: {{role: {role}}}" for name, role in users.items()), "tenants:"]
    for tenant in draw(st.lists(st.from_regex("[a-z]{4,9}", fullmatch=True), max_size=2, unique=True)):
        accesses = st.sampled_from(BUILT_IN_SETS)
        members = draw(st.dictionaries(st.sampled_from(sorted(users)), accesses))
        lines += [f"  {tenant}:", "    region: eu-west-1", "    members:"]
        lines += [f"      {name}: {access}" for name, access in members.items()]
        lines += [f"    settings: {{aws_access_token_validity: {draw(st.integers(900, 43200))}}}"]
    lines += ["settings:", "  Custom:"]
    lines += [f"    {key}: {draw(st.integers(0, 9))}" for key in draw(st.sets(st.sampled_from("abc")))]
    return "\n".join(lines) + "\n"


@settings(max_examples=8, suppress_health_check=list(HealthCheck))
@given(text=files())
def test_applying_the_export_of_any_state_plans_nothing(portal: Portal, text: str) -> None:
    carry_out(portal, planned(portal, text))

    assert planned(portal, text).steps == []
    assert planned(portal, manifest.write(live_state.read(portal).manifest), prune=True).steps == []


def command(portal: Portal, world: World, *words: str, username: str = "admin@example.com") -> int:
    flags = ["--host", portal.origin, "--token", world.tokens[username]]
    return run([*words, *flags], EXTRA_COMMANDS, now)


def test_apply_prints_the_plan_and_carries_it_out(
    portal: Portal, world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "tenants.yaml"
    path.write_text(FILE)

    def ran(*words: str) -> tuple[int, str]:
        code = command(portal, world, *words)
        return code, capsys.readouterr().out

    code, out = ran("apply", "-f", str(path), "--dry-run")
    assert code == 0
    assert "+ tenant team01\n      region: eu-central-1" in out
    assert "~ user dana@example.com\n      role: User → Administrator" in out
    assert "Plan: 11 to add, 1 to change, 0 to remove." in out
    assert ran("apply", "-f", str(path))[1].endswith("Done: 12 of 12.\n")
    assert ran("apply", "-f", str(path)) == (0, "No changes. The portal matches the file.\n")
    code, exported = ran("export")
    path.write_text(exported)
    assert ran("apply", "-f", str(path), "--prune", "--dry-run")[1].startswith("No changes.")


def test_a_new_tenant_that_cannot_issue_yet_is_reported_with_the_command_that_repairs_it(
    portal: Portal, world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sentence, patch = "It asks for another ExternalId.\x1b[31m", "aws iam update-assume-role-policy"
    world.doctor.findings = [Finding("trust", Level.ERROR, "team01", sentence, patch)]
    path = tmp_path / "tenants.yaml"
    path.write_text("tenants:\n  team01: {region: eu-west-1}\n")

    code = command(portal, world, "apply", "-f", str(path))

    message = capsys.readouterr()
    assert code == 0
    assert message.out.endswith("Done: 1 of 1.\n")
    assert "tenant team01 cannot issue sessions yet. It asks for another ExternalId." in message.err
    assert patch in message.err
    assert "\x1b" not in message.err


def test_errors_are_printed_as_a_sentence(
    portal: Portal, world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "tenants.yaml"
    path.write_text("tenants:\n  dev01-a: {region: eu-west-1}\n")

    def ran(*words: str, username: str = "admin@example.com") -> tuple[int, Sequence[str]]:
        code = command(portal, world, *words, username=username)
        return code, capsys.readouterr().err.splitlines()

    code, message = ran("apply", "-f", str(path))
    assert code != 0
    assert "tenant dev01-a" in message[-1]
    assert "share names in AWS" in message[-1]
    assert message[-1].endswith("0 of 1 steps were done. Remove the cause and run it again.")
    code, message = ran("apply", "-f", str(tmp_path / "none"))
    assert (code, "cannot be read" in message[-1]) == (2, True)
    code, message = ran("export", username=DANA)
    assert (code, "for Administrators" in message[-1]) == (4, True)


def test_a_file_on_standard_input_is_never_cut(
    portal: Portal, world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    long = "users:\n  rita@example.com: {role: User}\n" + "\n" * 16 * 1024 * 1024
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(long.encode())))

    code = command(portal, world, "apply", "-f", "-", "--prune", "--dry-run")

    message = capsys.readouterr()
    assert (code, message.out) == (2, "")
    assert "more than 16 MiB" in message.err


class StubbornRoles:
    """An IAM client whose changes of roles fail."""

    def read(self, role_arn: str) -> RoleState:
        """Refuse."""
        raise AwsThrottled(f"AWS asks for a pause before it can read the role {role_arn}.")

    def set_maximum(self, role_arn: str, maximum: timedelta) -> None:
        """Refuse."""
        raise AwsThrottled(f"AWS asks for a pause before it can give {role_arn} {maximum}.")

    def set_services(self, role_arn: str, services: Collection[str] | None) -> None:
        """Refuse."""
        raise AwsThrottled(f"AWS asks for a pause before it can limit {role_arn} to {services}.")

    def make(self, tenant: Tenant) -> None:
        """Refuse."""
        raise AwsThrottled(f"AWS asks for a pause before it can make the role of {tenant.name}.")

    def empty(self, tenant: Tenant) -> bool:
        """Refuse."""
        raise AwsThrottled(f"AWS asks for a pause before it can empty the role of {tenant.name}.\x1b[31m")

    def restore(self, tenant: Tenant) -> bool:
        """Refuse."""
        raise AwsThrottled(f"AWS asks for a pause before it can change the role of {tenant.name}.")


def test_a_pruned_tenant_whose_role_keeps_its_rights_is_reported_and_the_command_succeeds(
    sqlite_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "tenants.yaml"
    path.write_text("tenants:\n  dev01: {}\n  prod01: {}\n")

    with make_world(sqlite_url, roles=StubbornRoles()) as world, portal_client(world) as portal:
        code = command(portal, world, "apply", "-f", str(path), "--prune")
        message = capsys.readouterr()

    assert code == 0
    assert message.out.endswith("Done: 1 of 1.\n")
    assert (
        "tenant data01: Live sessions keep their rights until they end: AWS asks for a pause" in message.err
    )
    assert "\x1b" not in message.err
