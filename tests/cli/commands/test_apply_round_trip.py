"""`daypass export`, then `apply`: nothing to do at the same portal, and the same export of a fresh one."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest

from daypass.cli.api.client import Portal
from daypass.cli.declarative import live_state, manifest
from daypass.cli.runtime.errors import UsageError
from daypass.portal.config.providers import GroupSource, ProviderConfig
from tests.captured_log import captured_log
from tests.cli.commands.test_apply import carry_out, planned
from tests.cli.near import portal_client
from tests.fixtures.ci_issuer import ci_issuer
from tests.portal.http.world import world as make_world

OKTA = ProviderConfig(
    "okta",
    "https://okta.example.com",
    "daypass",
    groups=GroupSource.CLAIM,
    makes_administrators=True,
)
GITLAB = "https://git.example.com"

FreshPortal = Callable[[], Portal]


@pytest.fixture
def fresh_portal(sqlite_template: Path, tmp_path: Path) -> Iterator[FreshPortal]:
    """Make portals with the same configuration and a new database each."""
    numbers = count()
    with ExitStack() as stack:
        stack.enter_context(captured_log())

        def make() -> Portal:
            path = tmp_path / f"{next(numbers)}.db"
            shutil.copy(sqlite_template, path)
            url, issuers = f"sqlite:///{path}", (GITLAB,)
            world = stack.enter_context(make_world(url, providers=(OKTA,), workload_issuers=issuers))
            return stack.enter_context(portal_client(world))

        yield make


def exported(portal: Portal) -> str:
    return manifest.write(live_state.read(portal).manifest)


def check_round_trip(text: str, fresh_portal: FreshPortal) -> str:
    """Apply *text*; check that its export changes nothing here, and makes the same state elsewhere."""
    portal = fresh_portal()
    carry_out(portal, planned(portal, text))
    assert planned(portal, text).steps == [], "The file itself changes nothing a second time."
    whole = exported(portal)
    assert planned(portal, whole, prune=True).steps == []

    other = fresh_portal()
    carry_out(other, planned(other, whole))

    assert exported(other) == whole
    return whole


USERS = """
users:
  shop-deployer: {owner: Rita@Example.com, description: "Deploys: the shop, #1"}
  retired: {disabled: true, owner: rita@example.com}
  rita@example.com: {role: Administrator, kind: person}
  away@example.com: {kind: person, disabled: true}
  Own-Tool: {}
permission_sets:
  operator: {rank: 500, denies: [{Effect: Deny, Action: ["iam:*"], Resource: "*"}]}
tenants:
  dev01: {members: {Shop-Deployer: full}}
  prod01: {members: {retired: operator}}
  data01: {}
groups:
  developers:
    description: "They write: software"
    members: [Dana@Example.com, rita@example.com]
    memberships:
      dev01: operator
      prod01: {permission_set: read-only, ends_at: 2027-06-30T20:00:00.25+02:00}
  "007": {members: [own-tool], memberships: {data01: full}}
  "true": {}
  team dev: {members: [noor@example.com], memberships: {dev01: read-only}}
  okta/Platform: {value: "daypass: platform", makes_administrators: true}
  okta/ops: {value: "123", memberships: {prod01: full}}
workload_rules:
  shop:
    kind: github
    service_account: Shop-Deployer
    claims: {repository_id: 4711, repository_owner_id: 42, ref_protected: true, ref: refs/heads/main}
    tenants: {dev01: read-only}
    session_tags: {repository: repository, run_id: run}
    session_limit: 7200
    token_lifetime: 1800
  by-a-group:
    kind: gitlab
    issuer: https://git.example.com
    audience: "own: audience"
    service_account: own-tool
    claims: {project_id: "0022", namespace_id: 72, environment: "No"}
    tenants: {data01: full}
  cluster:
    kind: kubernetes
    issuer: https://10.0.0.1
    service_account: shop-deployer
    claims:
      sub: system:serviceaccount:build:deployer
      /kubernetes.io/serviceaccount/uid: 0f0f0f0f-1111-2222-3333-444444444444
    jwks: KEYS
  off:
    kind: google
    service_account: retired
    claims: {sub: 112233445566778899001}
    disabled: true
"""


def test_the_export_of_groups_rules_and_accounts_makes_the_same_state(fresh_portal: FreshPortal) -> None:
    with ci_issuer() as issuer:
        # As browsers export keys: with values that are neither text nor a list.
        keys = [each | {"ext": True, "key_ops": ["verify"]} for each in json.loads(issuer.jwks)["keys"]]
    text = USERS.replace("KEYS", json.dumps({"keys": keys, "version": 2, "comment": None}))

    whole = check_round_trip(text, fresh_portal)

    for shown in ("team dev:", "okta/ops:", "ext: true", "'007':", "'0022'", "owner: rita@example.com"):
        assert shown in whole


def test_a_kind_is_never_changed(fresh_portal: FreshPortal) -> None:
    portal = fresh_portal()

    with pytest.raises(UsageError, match=r"dana@example\.com. is a service account, which cannot be changed"):
        planned(portal, "users: {dana@example.com: {kind: person}}")
    with pytest.raises(UsageError, match="line 1: a kind is person or service"):
        planned(portal, "users: {dana@example.com: {kind: robot}}")


@pytest.mark.parametrize(
    "value",
    ["2026-01-01", "2026-13-45", ".nan", "!!bool x", "!!timestamp x", "!!python/object:a.b x", "{? [a] : 1}"],
)
def test_keys_that_json_does_not_have_are_refused_with_their_line(value: str) -> None:
    rule = f"{{kind: other, service_account: x, claims: {{}}, jwks: {{keys: {value}}}}}"

    with pytest.raises(UsageError, match="line 1: a value of JSON is expected here"):
        manifest.read(f"workload_rules: {{a: {rule}}}", "daypass.yaml")
