"""Tests of ARN parsing and ownership."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.portal.inventory.arns import owned_resource as owned_resource_of
from daypass.portal.inventory.arns import owner_by_name
from daypass.portal.inventory.model import OWNER_TAG, Resource, TaggedArn
from daypass.portal.tenants.model import Tenant, TenantId
from tests.portal.inventory.resources import KINDS, arns_of, examples_of, tagged

PREFIX = "duploservices-"


def owned_resource(found: TaggedArn, tenant: str, prefix: str) -> Resource | None:
    return owned_resource_of(KINDS, found, tenant, prefix)


def test_the_kinds_of_earlier_releases_are_still_listed() -> None:
    assert set(arns_of("dev01")) <= set(KINDS.names)


@pytest.mark.parametrize("kind", KINDS.names)
def test_every_kind_is_recognised_by_its_arn(kind: str) -> None:
    arn = examples_of("dev01")[kind]

    named = KINDS.parse(arn)

    assert named is not None
    assert (named.kind.name, named.arn) == (kind, arn)
    assert named.kind.label
    assert named.kind.plural


@pytest.mark.parametrize(
    ("arn", "kind", "id_"),
    [
        (
            "arn:aws:s3:::duploservices-dev01-reports/2026/a b.csv",
            "s3-bucket",
            "duploservices-dev01-reports",
        ),
        ("arn:aws:dynamodb:eu-west-1:1:table/orders/index/by-day", "dynamodb-table", "orders"),
        ("arn:aws:sns:eu-west-1:1:alerts:6a2c", "sns-topic", "alerts"),
        ("arn:aws:kinesis:eu-west-1:1:stream/events/consumer/x:1", "kinesis-stream", "events"),
        ("arn:aws:apigateway:eu-west-1::/restapis/a1b2/stages/prod", "api-gateway", "a1b2"),
        ("arn:aws:apigateway:eu-west-1::/apis/a1b2", "api-gateway", "a1b2"),
        ("arn:aws:lambda:eu-west-1:1:function:worker:7", "lambda-function", "worker"),
        ("arn:aws-cn:rds:cn-north-1:1:cluster:main", "rds-database", "main"),
        ("arn:aws:secretsmanager:eu-west-1:1:secret:team/key-AbC123", "secret", "team/key-AbC123"),
        ("arn:aws:logs:eu-west-1:1:log-group:/ecs/web:*", "log-group", "/ecs/web"),
    ],
)
def test_the_arn_of_a_part_leads_to_its_resource(arn: str, kind: str, id_: str) -> None:
    named = KINDS.containing(arn)

    assert named is not None
    assert (named.kind.name, named.id) == (kind, id_)
    assert arn.startswith(named.arn)
    assert KINDS.parse(named.arn) == named


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "duploservices-dev01-reports",
        "arn:aws:s3:::",
        "arn:aws:ec2:eu-west-1:1:spot-instances-request/sir-1",
        "arn:aws:dynamodb:eu-west-1:1:backup/x",
        "arn:aws:rds:eu-west-1:1:pg:x",
        "arn:aws:apigateway:eu-west-1::/usageplans/x",
        "arn:aws:lambda:eu-west-1:1:layer:x",
        "arn:gcp:s3:::x",
        "arn:aws:s3:::x\x00",
        "arn:aws:s3:::x\u202ey",
        "arn:aws:s3:::" + "x" * 2048,
    ],
)
def test_any_other_arn_is_no_listed_resource(arn: str) -> None:
    assert KINDS.containing(arn) is None


def test_a_part_is_no_resource_itself() -> None:
    assert KINDS.parse("arn:aws:apigateway:eu-west-1::/restapis/a1b2/stages/prod") is None
    assert (
        owned_resource(
            tagged("arn:aws:apigateway:eu-west-1::/restapis/a1b2/stages/prod", "dev01"), "dev01", PREFIX
        )
        is None
    )


@pytest.mark.parametrize("arn", [*arns_of("dev01").values(), *examples_of("dev01").values()])
def test_a_resource_belongs_to_its_tenant_alone(arn: str) -> None:
    found = tagged(arn, "dev01")

    assert owned_resource(found, "dev01", PREFIX) is not None
    for other in ("dev0", "dev", "dev011", "data01", "ev01", "dev01-x"):
        assert owned_resource(found, other, PREFIX) is None


def test_the_name_decides_the_owner_and_not_the_tag() -> None:
    for kind in KINDS:
        is_own = (
            owned_resource(tagged(examples_of("data01")[kind.name], "dev01"), "dev01", PREFIX) is not None
        )
        assert is_own == (not kind.is_named)


def test_the_tenant_prefix_must_be_at_the_start_of_the_name() -> None:
    assert (
        owned_resource(tagged("arn:aws:s3:::x-duploservices-dev01-reports", "dev01"), "dev01", PREFIX) is None
    )
    assert owned_resource(tagged("arn:aws:s3:::duploservices-dev01", "dev01"), "dev01", PREFIX) is None
    hidden = "arn:aws:logs:eu-west-1:1:log-group:/aws/lambda/duploservices-data01-x/duploservices-dev01-y"
    assert owned_resource(tagged(hidden, "dev01"), "dev01", PREFIX) is None
    for path in ("/ecs/", "/aws/rds/instance/", "/aws/rds/cluster/", "/aws/vendedlogs/states/"):
        log_group = f"arn:aws:logs:eu-west-1:1:log-group:{path}duploservices-dev01-x"
        assert owned_resource(tagged(log_group, "data01"), "dev01", PREFIX) is not None
    twice = "arn:aws:logs:eu-west-1:1:log-group:/aws/lambda//aws/lambda/duploservices-dev01-y"
    assert owned_resource(tagged(twice, "dev01"), "dev01", PREFIX) is None


def test_the_prefix_is_the_configured_one_and_matched_literally() -> None:
    assert owned_resource(tagged("arn:aws:s3:::acme.dev01-x", "dev01"), "dev01", "acme.") is not None
    # The prefix is no regular expression: a dot matches a dot only.
    assert owned_resource(tagged("arn:aws:s3:::acmeXdev01-x", "dev01"), "dev01", "acme.") is None


def test_a_resource_without_a_name_is_owned_by_its_tag_and_named_by_another() -> None:
    arn = arns_of("dev01")["api-gateway"]

    named = owned_resource(tagged(arn, "dev01", Name="orders"), "dev01", PREFIX)
    bare = owned_resource(tagged(arn, "dev01"), "dev01", PREFIX)

    assert named is not None
    assert named.name == "orders"
    assert bare is not None
    assert bare.name == "dev01api"
    assert owned_resource(TaggedArn(arn, {"tenant_name": "dev01"}), "dev01", PREFIX) is None
    # The tag Name does not decide the owner.
    bucket = owned_resource(tagged("arn:aws:s3:::duploservices-dev01-x", "dev01", Name="y"), "dev01", PREFIX)
    assert bucket is not None
    assert bucket.name == "duploservices-dev01-x"


NAMES = st.from_regex(r"[a-z][a-z0-9]{0,3}(-[a-z0-9]{1,3})?", fullmatch=True)


def _tenant(name: str) -> Tenant:
    return Tenant.with_role(TenantId(name), name, "eu-west-1", f"arn:aws:iam::1:role/{PREFIX}{name}", None)


@given(own=NAMES, other=NAMES, kind=st.sampled_from(KINDS.names), tag=NAMES)
def test_no_tenant_owns_a_name_with_the_prefix_of_another(own: str, other: str, kind: str, tag: str) -> None:
    arn = examples_of(other)[kind]

    shown = owned_resource(TaggedArn(arn, {OWNER_TAG: tag}), own, PREFIX)

    if shown is not None and shown.kind.is_named:
        assert f"{PREFIX}{other}-x".startswith(f"{PREFIX}{own}-")
    if shown is not None and not shown.kind.is_named:
        assert tag == own


@given(names=st.sets(NAMES, max_size=6), owner=NAMES)
def test_the_tenant_with_the_longest_matching_prefix_is_the_owner(names: set[str], owner: str) -> None:
    named = KINDS.containing(f"arn:aws:s3:::{PREFIX}{owner}-files")
    assert named is not None

    found = owner_by_name(named, [_tenant(name) for name in names], lambda _: PREFIX)

    fitting = [name for name in names if f"{owner}-files".startswith(f"{name}-")]
    assert (found.name if found else None) == max(fitting, key=len, default=None)


@given(text=st.text(max_size=60))
def test_parsing_never_fails_on_arbitrary_text(text: str) -> None:
    for typed in (text, f"arn:aws:s3:::{text}", f"arn:aws:logs:eu-west-1:1:log-group:{text}"):
        named = KINDS.containing(typed)
        assert named is None or typed.startswith(named.arn)
