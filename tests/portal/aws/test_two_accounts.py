"""Two accounts in two sandboxes: one portal issues sessions in both, with its keys of each account."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace

import pytest

from daypass.portal.access.issue import Issuer
from daypass.portal.access.model import IssuedSession, Purpose, SessionRequest
from daypass.portal.accounts.model import Account
from daypass.portal.accounts.registry import Accounts, PerAccount
from daypass.portal.aws.broker import AwsBroker
from daypass.portal.aws.factory import make_account
from daypass.portal.clock import utc_now
from daypass.portal.identity.model import User
from daypass.portal.identity.scopes import ADMIN_SCOPE, Scope
from daypass.portal.storage.engine import Database
from daypass.sandbox.process import SandboxProcess
from tests.fixtures.sandbox import Keys
from tests.portal.access.conftest import ADMIN, DEV, PROD, Rig, build, caller
from tests.portal.aws.conftest import OwnKeys, aws_config, connected
from tests.sandbox.world import World, allow, trust

SECOND = "222222222222"


@dataclass(frozen=True, slots=True)
class Entry:
    """An account, with a role that the portal may assume, and the portal's way in."""

    world: World
    account: Account
    broker: AwsBroker
    role_arn: str


def entry(sandbox: SandboxProcess, name: str) -> Entry:
    """Create the portal's user and a role in *sandbox*, and connect to it with that user's keys."""
    world = World(sandbox)
    user_arn, keys = world.user()
    role_arn = world.role(trust(user_arn), allow("sts:GetCallerIdentity"))
    config = aws_config(sandbox.endpoint_url, region=sandbox.region)
    config = replace(config, master_role=role_arn.rpartition("/")[2])
    own = OwnKeys(keys.access_key_id, keys.secret_access_key)
    broker = connected(config, session=own.session())
    return Entry(world, replace(make_account(config, broker), name=name), broker, role_arn)


@dataclass(frozen=True, slots=True)
class TwoSandboxes:
    """The tenant dev01 in the second account, prod01 in the first, which is the default."""

    rig: Rig
    first: Entry
    second: Entry

    def issue(self, user: User, scope: Scope) -> IssuedSession:
        """Issue a session by AWS's clock, which is the machine's."""
        both = (self.first, self.second)
        issuer = Issuer(
            self.rig.database,
            self.rig.committer,
            Accounts(*(one.account for one in both)),
            PerAccount({one.account.name: one.broker for one in both}),
            utc_now,
        )
        return issuer.issue(caller(user), SessionRequest(scope, purpose=Purpose.BOTH))


@pytest.fixture
def two(sandbox: SandboxProcess, sqlite_url: str) -> Iterator[TwoSandboxes]:
    """The worker's sandbox as the default account, and a second one with another account id."""
    with SandboxProcess(account_id=SECOND) as other, closing(Database(sqlite_url)) as database:
        for rig in build(database):
            both = TwoSandboxes(rig, entry(sandbox, "first"), entry(other, "second"))
            rig.change_role(DEV, both.second.role_arn)
            rig.change_role(PROD, both.first.role_arn)
            yield both


def arn_of(entered: Entry, session: IssuedSession) -> str:
    """Return the ARN of a session as AWS reports it to the session itself."""
    credentials = session.credentials
    keys = Keys(
        credentials.access_key_id,
        credentials.secret_access_key.reveal(),
        credentials.session_token.reveal(),
    )
    arn: str = entered.world.client("sts", keys).get_caller_identity()["Arn"]
    return arn


def test_each_session_is_made_in_the_account_of_its_role(two: TwoSandboxes) -> None:
    admin = two.issue(ADMIN, ADMIN_SCOPE)
    there = two.issue(ADMIN, Scope.of_tenant("dev01"))

    assert arn_of(two.first, admin).startswith(f"arn:aws:sts::{two.first.account.id}:assumed-role/")
    assert arn_of(two.second, there).startswith(f"arn:aws:sts::{SECOND}:assumed-role/")
    assert (admin.account_id, there.account_id) == (two.first.account.id, SECOND)
    assert (admin.role_arn, there.role_arn) == (two.first.role_arn, two.second.role_arn)
    for session, entered in ((admin, two.first), (there, two.second)):
        assert session.console_url is not None
        assert session.console_url.reveal().startswith(entered.world.sandbox.endpoint_url)
