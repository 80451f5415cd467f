"""AssumeRole: durations, names, trust, identity and tags, and AWS's errors."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.fixtures.sandbox import Keys, root_keys
from tests.sandbox.world import World, allow, document, own_resources, trust


def refused(
    world: World, keys: Keys, role_arn: str, session: str = "dana", **more: object
) -> tuple[str, str]:
    """Expect AssumeRole to fail; returns the error's code and message."""
    with pytest.raises(ClientError) as error:
        world.assume(keys, role_arn, session, **more)
    details = error.value.response["Error"]
    return details["Code"], details["Message"]


@pytest.fixture
def portal(world: World) -> tuple[str, Keys]:
    return world.user()


# --- duration ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [900, 3600, 7200])
def test_a_session_lasts_for_the_requested_duration(
    world: World, portal: tuple[str, Keys], seconds: int
) -> None:
    role_arn = world.role(trust(portal[0]), hours=2)
    sts = world.client("sts", portal[1])
    before = datetime.now(UTC)  # noqa: TID251  AWS's clock is the machine's here

    answer = sts.assume_role(RoleArn=role_arn, RoleSessionName="dana", DurationSeconds=seconds)

    left = answer["Credentials"]["Expiration"] - before
    assert abs(left - timedelta(seconds=seconds)) < timedelta(seconds=3)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (899, "Member must have value greater than or equal to 900"),
        (-1, "Member must have value greater than or equal to 900"),
        (43201, "Member must have value less than or equal to 43200"),
        (7201, "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."),
    ],
)
def test_a_duration_outside_the_bounds_is_refused(
    world: World, portal: tuple[str, Keys], seconds: int, words: str
) -> None:
    role_arn = world.role(trust(portal[0]), hours=2)
    code, message = refused(world, portal[1], role_arn, DurationSeconds=seconds)
    assert code == "ValidationError"
    assert words in message


def test_a_raised_role_maximum_takes_effect_at_once(world: World, portal: tuple[str, Keys]) -> None:
    role_arn = world.role(trust(portal[0]))
    iam, name = world.client("iam"), role_arn.rsplit("/", 1)[-1]
    assert refused(world, portal[1], role_arn, DurationSeconds=43200)[0] == "ValidationError"

    iam.update_role(RoleName=name, MaxSessionDuration=43200)

    assert iam.get_role(RoleName=name)["Role"]["MaxSessionDuration"] == 43200
    world.assume(portal[1], role_arn, DurationSeconds=43200)


def test_a_chained_session_is_limited_to_one_hour(world: World, portal: tuple[str, Keys]) -> None:
    first_arn = world.role(trust(portal[0]), allow("sts:*"), suffix="first", hours=12)
    second_arn = world.role(trust(first_arn), suffix="second", hours=12)
    chained = world.assume(portal[1], first_arn, DurationSeconds=43200)

    code, message = refused(world, chained, second_arn, DurationSeconds=3601)
    assert code == "ValidationError"
    assert message == (
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
    )
    world.assume(chained, second_arn, DurationSeconds=3600)


def test_a_caller_without_trust_does_not_learn_the_role_maximum(
    world: World, portal: tuple[str, Keys]
) -> None:
    role_arn = world.role(trust("arn:aws:iam::111122223333:user/somebody-else"))
    assert refused(world, portal[1], role_arn, DurationSeconds=43200)[0] == "AccessDenied"


# --- session name -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ab", "dana@example.com", "A_b=c,d.e+f-9", "x" * 64])
def test_a_session_has_the_requested_name(world: World, portal: tuple[str, Keys], name: str) -> None:
    role_arn = world.role(trust(portal[0]))
    who = world.client("sts", world.assume(portal[1], role_arn, name)).get_caller_identity()
    assert who["Arn"] == f"arn:aws:sts::111122223333:assumed-role/{world.name}-role/{name}"
    assert who["Account"] == "111122223333"
    assert who["UserId"].endswith(f":{name}")


@pytest.mark.parametrize("name", ["a", "x" * 65, "dana example", "dana/x", "dana:x", "dänä"])
def test_an_invalid_session_name_is_refused(world: World, portal: tuple[str, Keys], name: str) -> None:
    code, message = refused(world, portal[1], world.role(trust(portal[0])), name)
    assert code == "ValidationError"
    assert "roleSessionName" in message


# --- trust ------------------------------------------------------------------------------------------


def test_a_missing_role_gets_the_same_error_as_one_without_trust(
    world: World, portal: tuple[str, Keys]
) -> None:
    refusing = world.role(trust("arn:aws:iam::111122223333:user/somebody-else"))
    missing = f"{refusing}-missing"
    errors = {arn: refused(world, portal[1], arn) for arn in (refusing, missing)}
    assert errors[missing] == (errors[refusing][0], errors[refusing][1].replace(refusing, missing))
    assert errors[missing][0] == "AccessDenied"


def test_trust_in_the_account_requires_a_policy_of_the_caller(world: World) -> None:
    _, idle = world.user(allow("s3:ListAllMyBuckets"), suffix="idle")
    _, busy = world.user(suffix="busy")
    role_arn = world.role(trust("arn:aws:iam::111122223333:root"))
    assert refused(world, idle, role_arn)[0] == "AccessDenied"
    world.assume(busy, role_arn)


def test_trust_in_the_user_requires_no_policy_of_the_user(world: World) -> None:
    arn, keys = world.user(allow("s3:ListAllMyBuckets"))
    world.assume(keys, world.role(trust(arn)))


def test_a_deny_in_the_callers_policy_overrides_the_trust(world: World) -> None:
    arn, keys = world.user({"Effect": "Deny", "Action": "sts:AssumeRole", "Resource": "*"})
    assert refused(world, keys, world.role(trust(arn)))[0] == "AccessDenied"


def test_the_root_cannot_assume_a_role(world: World) -> None:
    role_arn = world.role(trust("arn:aws:iam::111122223333:root"))
    code, message = refused(world, root_keys(world.sandbox), role_arn)
    assert (code, message) == ("AccessDenied", "Roles may not be assumed by root accounts.")


def test_the_external_id_must_match_the_trust_policy(world: World, portal: tuple[str, Keys]) -> None:
    condition = {"StringEquals": {"sts:ExternalId": "tenant-7"}}
    role_arn = world.role(trust(portal[0], Condition=condition))
    assert refused(world, portal[1], role_arn)[0] == "AccessDenied"
    assert refused(world, portal[1], role_arn, ExternalId="tenant-8")[0] == "AccessDenied"
    world.assume(portal[1], role_arn, ExternalId="tenant-7")


# --- source identity --------------------------------------------------------------------------------


def test_a_source_identity_is_returned(world: World, portal: tuple[str, Keys]) -> None:
    role_arn = world.role(trust(portal[0]))
    sts = world.client("sts", portal[1])
    answer = sts.assume_role(RoleArn=role_arn, RoleSessionName="dana", SourceIdentity="user-1")
    assert answer["SourceIdentity"] == "user-1"
    assert "SourceIdentity" not in sts.assume_role(RoleArn=role_arn, RoleSessionName="dana")


def test_a_source_identity_requires_its_own_permission(world: World, portal: tuple[str, Keys]) -> None:
    role_arn = world.role(trust(portal[0], "sts:AssumeRole"))
    world.assume(portal[1], role_arn)
    code, message = refused(world, portal[1], role_arn, SourceIdentity="user-1")
    assert code == "AccessDenied"
    assert "sts:SetSourceIdentity" in message


def test_trust_in_the_account_requires_the_callers_permission_for_a_source_identity(world: World) -> None:
    _, keys = world.user(allow("sts:AssumeRole"))
    role_arn = world.role(trust("arn:aws:iam::111122223333:root"))
    world.assume(keys, role_arn)
    assert refused(world, keys, role_arn, SourceIdentity="user-1")[0] == "AccessDenied"


def test_a_trust_policy_can_require_a_source_identity(world: World, portal: tuple[str, Keys]) -> None:
    condition = {"StringEquals": {"sts:SourceIdentity": "user-1"}}
    role_arn = world.role(trust(portal[0], Condition=condition))
    assert refused(world, portal[1], role_arn)[0] == "AccessDenied"
    assert refused(world, portal[1], role_arn, SourceIdentity="user-2")[0] == "AccessDenied"
    world.assume(portal[1], role_arn, SourceIdentity="user-1")


def test_a_source_identity_is_inherited_by_chained_sessions(world: World, portal: tuple[str, Keys]) -> None:
    first_arn = world.role(trust(portal[0]), allow("sts:*"), suffix="first")
    second_arn = world.role(trust(first_arn), suffix="second")
    keys = world.assume(portal[1], first_arn, SourceIdentity="user-1")
    sts = world.client("sts", keys)

    assert refused(world, keys, second_arn, SourceIdentity="user-2")[0] == "AccessDenied"
    inherited = sts.assume_role(RoleArn=second_arn, RoleSessionName="dana")
    assert inherited["SourceIdentity"] == "user-1"
    same = sts.assume_role(RoleArn=second_arn, RoleSessionName="dana", SourceIdentity="user-1")
    assert same["SourceIdentity"] == "user-1"


def test_a_policy_can_deny_one_users_sessions_by_source_identity(
    world: World, portal: tuple[str, Keys]
) -> None:
    name = f"{world.name}-role"
    role_arn = world.role(trust(portal[0]), allow("s3:*"))
    dana = world.assume(portal[1], role_arn, SourceIdentity="dana-id")
    noor = world.assume(portal[1], role_arn, SourceIdentity="noor-id")

    deny = {
        "Effect": "Deny",
        "Action": "*",
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:SourceIdentity": "dana-id"}},
    }
    world.client("iam").put_role_policy(RoleName=name, PolicyName="end", PolicyDocument=document(deny))

    with pytest.raises(ClientError, match="AccessDenied"):
        world.client("s3", dana).list_buckets()
    world.client("s3", noor).list_buckets()


@pytest.mark.parametrize("identity", ["u", "u" * 65, "aws:me", "a b"])
def test_a_malformed_source_identity_is_refused(
    world: World, portal: tuple[str, Keys], identity: str
) -> None:
    code, message = refused(world, portal[1], world.role(trust(portal[0])), SourceIdentity=identity)
    assert code == "ValidationError"
    assert "sourceIdentity" in message


# --- session tags -----------------------------------------------------------------------------------


def test_session_tags_require_their_own_permission(world: World, portal: tuple[str, Keys]) -> None:
    role_arn = world.role(trust(portal[0], ["sts:AssumeRole", "sts:SetSourceIdentity"]))
    code, message = refused(world, portal[1], role_arn, Tags=[{"Key": "tenant", "Value": "dev01"}])
    assert code == "AccessDenied"
    assert "sts:TagSession" in message


def test_a_trust_policy_can_require_a_tag(world: World, portal: tuple[str, Keys]) -> None:
    condition = {"StringEquals": {"aws:RequestTag/tenant": "dev01"}}
    role_arn = world.role(trust(portal[0], Condition=condition))
    assert refused(world, portal[1], role_arn)[0] == "AccessDenied"
    assert refused(world, portal[1], role_arn, Tags=[{"Key": "tenant", "Value": "x"}])[0] == "AccessDenied"
    world.assume(portal[1], role_arn, Tags=[{"Key": "tenant", "Value": "dev01"}])


def test_a_policy_can_deny_one_issuance_by_its_tag(world: World, portal: tuple[str, Keys]) -> None:
    role_arn = world.role(trust(portal[0]), allow("s3:*"))
    ended, living = (
        world.assume(portal[1], role_arn, Tags=[{"Key": "issuance", "Value": value}]) for value in "ab"
    )
    deny = {
        "Effect": "Deny",
        "Action": "*",
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:PrincipalTag/issuance": ["a"]}},
    }
    world.client("iam").put_role_policy(
        RoleName=f"{world.name}-role", PolicyName="end", PolicyDocument=document(deny)
    )
    with pytest.raises(ClientError, match="AccessDenied"):
        world.client("s3", ended).list_buckets()
    world.client("s3", living).list_buckets()


def test_a_policy_variable_is_replaced_by_the_callers_tag(world: World, portal: tuple[str, Keys]) -> None:
    own = "arn:aws:s3:::${aws:PrincipalTag/tenant}-*"
    role_arn = world.role(trust(portal[0]), allow("s3:*", own))
    s3 = world.client("s3", world.assume(portal[1], role_arn, Tags=[{"Key": "tenant", "Value": world.name}]))

    s3.create_bucket(Bucket=f"{world.name}-own")
    for bucket, keys in (
        (f"x{world.name}-own", world.assume(portal[1], role_arn, Tags=[{"Key": "tenant", "Value": "y"}])),
        (f"{world.name}-own", world.assume(portal[1], role_arn)),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            world.client("s3", keys).create_bucket(Bucket=bucket)


def test_only_transitive_tags_are_inherited_by_chained_sessions(
    world: World, portal: tuple[str, Keys]
) -> None:
    first_arn = world.role(trust(portal[0]), allow("sts:*"), suffix="first")
    kept = {"StringEquals": {"aws:PrincipalTag/kept": "yes"}}
    lost = {"StringEquals": {"aws:PrincipalTag/lost": "yes"}}
    second_arn = world.role(
        trust(first_arn),
        allow("s3:ListAllMyBuckets", Condition=kept),
        allow("iam:ListRoles", Condition=lost),
        suffix="second",
    )
    first = world.assume(
        portal[1],
        first_arn,
        Tags=[{"Key": "kept", "Value": "yes"}, {"Key": "lost", "Value": "yes"}],
        TransitiveTagKeys=["kept"],
    )
    second = world.assume(first, second_arn)

    world.client("s3", second).list_buckets()
    with pytest.raises(ClientError, match="AccessDenied"):
        world.client("iam", second).list_roles()
    clash = refused(world, first, second_arn, Tags=[{"Key": "Kept", "Value": "no"}])
    assert clash[0] == "InvalidParameterValue"


def test_an_inherited_tag_must_be_allowed_by_the_caller_and_by_every_later_role(
    world: World, portal: tuple[str, Keys]
) -> None:
    first_arn = world.role(trust(portal[0]), allow("sts:*"), suffix="first")
    bare_arn = world.role(trust(portal[0]), allow("sts:AssumeRole"), suffix="bare")
    pinned = {"ForAllValues:StringEquals": {"aws:TagKeys": "kept"}, "Null": {"aws:RequestTag/kept": "false"}}
    open_arn = world.role(trust(f"arn:aws:iam::{world.sandbox.account_id}:root"), suffix="open")
    trusting_arn = world.role(trust(first_arn, Condition=pinned), suffix="trusting")
    silent_arn = world.role(trust(first_arn, "sts:AssumeRole"), suffix="silent")
    kept: dict[str, Any] = {"Tags": [{"Key": "kept", "Value": "yes"}], "TransitiveTagKeys": ["kept"]}
    first, bare = (world.assume(portal[1], arn, **kept) for arn in (first_arn, bare_arn))

    world.assume(first, trusting_arn)
    world.assume(first, open_arn)

    for keys, role_arn in ((first, silent_arn), (bare, open_arn)):
        code, message = refused(world, keys, role_arn)
        assert code == "AccessDenied"
        assert "sts:TagSession" in message


def test_a_policy_can_deny_sessions_issued_before_a_time(world: World, portal: tuple[str, Keys]) -> None:
    role_arn = world.role(trust(portal[0]), allow("s3:*"))
    older = world.assume(portal[1], role_arn)
    moved = world.sandbox.control.move_clock(timedelta(minutes=10))
    newer = world.assume(portal[1], role_arn)

    revoked = (moved - timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    deny = {
        "Effect": "Deny",
        "Action": "*",
        "Resource": "*",
        "Condition": {"DateLessThan": {"aws:TokenIssueTime": revoked}},
    }
    world.client("iam").put_role_policy(
        RoleName=f"{world.name}-role", PolicyName="AWSRevokeOlderSessions", PolicyDocument=document(deny)
    )
    with pytest.raises(ClientError, match="AccessDenied"):
        world.client("s3", older).list_buckets()
    world.client("s3", newer).list_buckets()


def test_policies_use_the_sandbox_clock(world: World, portal: tuple[str, Keys]) -> None:
    later = (world.sandbox.control.move_clock(timedelta()) + timedelta(minutes=20)).isoformat()
    role_arn = world.role(
        trust(portal[0]), allow("s3:*", Condition={"DateLessThan": {"aws:CurrentTime": later}})
    )
    keys = world.assume(portal[1], role_arn)
    world.client("s3", keys).list_buckets()
    world.sandbox.control.move_clock(timedelta(minutes=21))
    with pytest.raises(ClientError, match="AccessDenied"):
        world.client("s3", keys).list_buckets()


# --- session policies and boundaries ----------------------------------------------------------------


def test_a_session_policy_grants_nothing_beyond_the_role(world: World, portal: tuple[str, Keys]) -> None:
    role_arn = world.role(trust(portal[0]), own_resources(world, world.name))
    keys = world.assume(portal[1], role_arn, Policy=document(allow("*")))
    with pytest.raises(ClientError, match="AccessDenied"):
        world.client("iam", keys).list_roles()


def test_a_malformed_session_policy_is_refused(world: World, portal: tuple[str, Keys]) -> None:
    role_arn = world.role(trust(portal[0]))
    assert refused(world, portal[1], role_arn, Policy="{")[0] == "MalformedPolicyDocument"
    unknown = [{"arn": "arn:aws:iam::aws:policy/NoSuchPolicy"}]
    assert refused(world, portal[1], role_arn, PolicyArns=unknown)[0] == "ValidationError"


def test_a_permissions_boundary_limits_a_role(world: World, portal: tuple[str, Keys]) -> None:
    iam = world.client("iam")
    boundary = iam.create_policy(
        PolicyName=f"{world.name}-boundary", PolicyDocument=document(allow("s3:ListAllMyBuckets"))
    )
    role_arn = world.role(trust(portal[0]), allow("*"))
    iam.put_role_permissions_boundary(
        RoleName=f"{world.name}-role", PermissionsBoundary=boundary["Policy"]["Arn"]
    )
    keys = world.assume(portal[1], role_arn)
    world.client("s3", keys).list_buckets()
    with pytest.raises(ClientError, match="AccessDenied"):
        world.client("iam", keys).list_roles()


# --- other actions of STS ---------------------------------------------------------------------------


def test_assume_role_with_web_identity_is_not_served(world: World, portal: tuple[str, Keys]) -> None:
    role_arn = world.role(trust(portal[0]))
    with pytest.raises(ClientError) as error:
        world.client("sts", portal[1]).assume_role_with_web_identity(
            RoleArn=role_arn, RoleSessionName="dana", WebIdentityToken="a.b.c" * 5
        )
    assert error.value.response["Error"]["Code"] in {"InvalidAction", "MissingAuthenticationToken"}


def test_session_tokens_of_a_user_work_until_they_expire(world: World, portal: tuple[str, Keys]) -> None:
    sts = world.client("sts", portal[1])
    keys = Keys.of(sts.get_session_token(DurationSeconds=900)["Credentials"])
    assert world.client("sts", keys).get_caller_identity()["Arn"] == portal[0]
    world.sandbox.control.move_clock(timedelta(seconds=901))
    with pytest.raises(ClientError, match="ExpiredToken"):
        world.client("sts", keys).get_caller_identity()
    with pytest.raises(ClientError, match="ValidationError"):
        sts.get_session_token(DurationSeconds=899)
