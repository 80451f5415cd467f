"""Access by keys to each service, and the service's errors for invalid keys."""

import urllib.error
import urllib.request
from dataclasses import replace
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from daypass.sandbox.process import SandboxProcess
from tests.fixtures.sandbox import Keys, root_keys
from tests.sandbox.calls import SERVICES, Service
from tests.sandbox.world import Resources, World, allow, document, make_resources, own_resources, trust

each_service = pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)


@pytest.fixture(scope="module")
def shared(sandbox_process: SandboxProcess) -> World:
    return World(sandbox_process)


@pytest.fixture(scope="module")
def portal(shared: World) -> tuple[str, Keys]:
    return shared.user()


@pytest.fixture(scope="module")
def own(shared: World) -> Resources:
    return make_resources(shared, shared.name)


@pytest.fixture(scope="module")
def foreign(shared: World) -> Resources:
    return make_resources(shared, f"x{shared.name}")


@pytest.fixture(scope="module")
def role_arn(shared: World, portal: tuple[str, Keys]) -> str:
    return shared.role(trust(portal[0]), own_resources(shared, shared.name))


@pytest.fixture
def tenant_keys(sandbox: SandboxProcess, shared: World, portal: tuple[str, Keys], role_arn: str) -> Keys:
    assert sandbox is shared.sandbox
    return shared.assume(portal[1], role_arn)


def refusal(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    """Return the code and HTTP status of an error."""
    response = error.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


@each_service
def test_a_session_reads_and_writes_its_tenants_resources(
    shared: World, own: Resources, tenant_keys: Keys, service: Service
) -> None:
    client = shared.client(service.name, tenant_keys)
    service.write(client, own)
    service.read(client, own)


@each_service
def test_a_session_is_denied_another_tenants_resources(
    shared: World, foreign: Resources, tenant_keys: Keys, service: Service
) -> None:
    client = shared.client(service.name, tenant_keys)
    for call in (service.read, service.write):
        with pytest.raises(ClientError) as error:
            call(client, foreign)
        assert refusal(error) == service.denied


def test_a_denial_names_principal_action_and_resource(
    shared: World, foreign: Resources, tenant_keys: Keys
) -> None:
    with pytest.raises(ClientError) as error:
        shared.client("s3", tenant_keys).get_object(Bucket=foreign.bucket, Key="hello.txt")
    assert error.value.response["Error"]["Message"] == (
        f"User: arn:aws:sts::111122223333:assumed-role/{shared.name}-role/dana@example.com is not authorized "
        f"to perform: s3:GetObject on resource: arn:aws:s3:::{foreign.bucket}/hello.txt "
        "because no identity-based policy allows the s3:GetObject action"
    )


@each_service
def test_read_only_access_can_read_but_not_write(
    shared: World, own: Resources, portal: tuple[str, Keys], role_arn: str, service: Service
) -> None:
    read_only = [{"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}]
    client = shared.client(service.name, shared.assume(portal[1], role_arn, PolicyArns=read_only))

    service.read(client, own)
    with pytest.raises(ClientError) as error:
        service.write(client, own)

    assert refusal(error) == service.denied


@each_service
def test_an_inline_session_policy_restricts_a_session(
    shared: World, own: Resources, portal: tuple[str, Keys], role_arn: str, service: Service
) -> None:
    unrelated_policy = document(allow("iam:GetRole"))
    client = shared.client(service.name, shared.assume(portal[1], role_arn, Policy=unrelated_policy))
    with pytest.raises(ClientError) as error:
        service.read(client, own)
    assert refusal(error) == service.denied


@each_service
def test_expired_keys_do_not_become_unknown(
    shared: World,
    own: Resources,
    portal: tuple[str, Keys],
    role_arn: str,
    tenant_keys: Keys,
    service: Service,
) -> None:
    shared.sandbox.control.move_clock(timedelta(seconds=3601))
    shared.assume(portal[1], role_arn)  # MiniStack would delete expired sessions here.
    with pytest.raises(ClientError) as error:
        service.read(shared.client(service.name, tenant_keys), own)
    assert refusal(error) == service.expired


@each_service
def test_a_session_works_until_it_expires(
    shared: World, own: Resources, tenant_keys: Keys, service: Service
) -> None:
    shared.sandbox.control.move_clock(timedelta(seconds=3500))
    service.read(shared.client(service.name, tenant_keys), own)


@each_service
def test_a_wrong_secret_is_refused_as_a_wrong_signature(
    shared: World, own: Resources, tenant_keys: Keys, service: Service
) -> None:
    tampered = replace(tenant_keys, secret_access_key="x" * 40)
    with pytest.raises(ClientError) as error:
        service.read(shared.client(service.name, tampered), own)
    assert refusal(error) == service.wrong_secret


@each_service
def test_the_root_key_with_a_wrong_secret_is_refused(shared: World, own: Resources, service: Service) -> None:
    tampered = replace(root_keys(shared.sandbox), secret_access_key="x" * 40)
    with pytest.raises(ClientError) as error:
        service.read(shared.client(service.name, tampered), own)
    assert refusal(error) == service.wrong_secret


@each_service
@pytest.mark.parametrize("key", ["test", "000000000000", "111122223333", "AKIAIOSFODNN7EXAMPLE"])
def test_keys_that_ministack_accepts_as_root_are_refused(
    shared: World, own: Resources, service: Service, key: str
) -> None:
    with pytest.raises(ClientError) as error:
        service.read(shared.client(service.name, Keys(key, "test")), own)
    assert refusal(error) == service.unknown_key


@each_service
def test_temporary_keys_without_their_token_are_refused(
    shared: World, own: Resources, tenant_keys: Keys, service: Service
) -> None:
    with pytest.raises(ClientError) as error:
        service.read(shared.client(service.name, replace(tenant_keys, session_token=None)), own)
    assert refusal(error) == service.missing_token


@each_service
def test_temporary_keys_with_another_token_are_refused(
    shared: World, own: Resources, tenant_keys: Keys, service: Service
) -> None:
    with pytest.raises(ClientError) as error:
        service.read(shared.client(service.name, replace(tenant_keys, session_token="another")), own)
    assert error.value.response["Error"]["Code"] in {"InvalidToken", service.missing_token[0]}


@each_service
def test_unsigned_requests_are_refused(shared: World, own: Resources, service: Service) -> None:
    session: Any = boto3.Session()
    client = session.client(
        service.name,
        endpoint_url=shared.sandbox.endpoint_url,
        region_name=shared.sandbox.region,
        config=Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}),
    )
    with pytest.raises(ClientError) as error:
        service.read(client, own)
    assert refusal(error) == service.unsigned


def test_a_presigned_url_gives_the_access_of_its_keys(
    shared: World, own: Resources, foreign: Resources, tenant_keys: Keys
) -> None:
    s3 = shared.client("s3", tenant_keys)
    link = s3.generate_presigned_url("get_object", {"Bucket": own.bucket, "Key": "hello.txt"})
    other = s3.generate_presigned_url("get_object", {"Bucket": foreign.bucket, "Key": "hello.txt"})

    with urllib.request.urlopen(link) as answer:  # noqa: S310  our own sandbox
        assert answer.read() == b"hello"
    for refused in (other, link.replace("Signature=", "Signature=0")):
        with pytest.raises(urllib.error.HTTPError) as error, urllib.request.urlopen(refused):  # noqa: S310  our own sandbox
            pass
        error.value.close()
        assert error.value.code == 403
    shared.sandbox.control.move_clock(timedelta(hours=2))
    with pytest.raises(urllib.error.HTTPError) as error, urllib.request.urlopen(link):  # noqa: S310  our own sandbox
        pass
    error.value.close()


def test_expired_keys_are_refused_by_sts(shared: World, tenant_keys: Keys) -> None:
    shared.sandbox.control.move_clock(timedelta(hours=2))
    with pytest.raises(ClientError) as error:
        shared.client("sts", tenant_keys).get_caller_identity()
    assert refusal(error) == ("ExpiredToken", 403)


def test_deactivated_keys_of_a_user_are_refused(world: World) -> None:
    arn, keys = world.user()
    name = arn.rsplit("/", 1)[-1]
    world.client("sts", keys).get_caller_identity()

    world.client("iam").update_access_key(UserName=name, AccessKeyId=keys.access_key_id, Status="Inactive")

    with pytest.raises(ClientError) as error:
        world.client("sts", keys).get_caller_identity()
    assert refusal(error) == ("InvalidClientTokenId", 403)
