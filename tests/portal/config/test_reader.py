"""Configuration by environment variables: defaults, validation and error messages."""

from pathlib import Path

import pytest

from daypass.portal.config.model import PortalConfig
from daypass.portal.config.reader import read_config
from daypass.portal.config.variables import VARIABLES, ConfigError, Variable
from tests.reference.configuration import configuration_page

REGION = {"DAYPASS_AWS_REGION": "eu-central-1"}


def read(**variables: str) -> PortalConfig:
    return read_config({**REGION, **variables})


def test_only_the_region_is_required() -> None:
    config = read()

    assert (config.host, config.port, config.public_url) == ("127.0.0.1", 8443, "http://127.0.0.1:8443")
    assert (config.aws.partition, config.aws.endpoint_url, config.threads) == ("aws", None, 32)
    assert not config.serves_tls


def test_a_missing_region_is_reported_by_name() -> None:
    with pytest.raises(ConfigError, match=r"DAYPASS_AWS_REGION is not set. It takes an AWS region"):
        read_config({})


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        *(("DAYPASS_LISTEN", value) for value in ("8443", "localhost", "example.com:8443", "127.0.0.1:")),
        *(("DAYPASS_LISTEN", f"127.0.0.1:{port}") for port in ("65536", "-1", "+80", "\uff18\uff10", "1e3")),
        *(("DAYPASS_PUBLIC_URL", value) for value in ("portal.example.com", "ftp://x", "https://u:p@x")),
        *(("DAYPASS_PUBLIC_URL", f"https://x{rest}") for rest in ("/path", "?q", "#f", ":0", ":port")),
        *(("DAYPASS_BEHIND_PROXY", value) for value in ("yes", "on", "2")),
        *(("DAYPASS_TRUSTED_PROXIES", value) for value in ("proxy", "10.0.0.1/8", "10.0.0.1,,", "10.0.0")),
        *(("DAYPASS_THREADS", value) for value in ("0", "513", "-1", "many", "\uff19")),
        *(("DAYPASS_AWS_ENDPOINT_URL", value) for value in ("127.0.0.1:4566", "http://", "http://x/path")),
        *(("DAYPASS_ROLE_PREFIX", value) for value in ("role/", "with space", "x" * 65, "prefix*")),
        *(("DAYPASS_MASTER_ROLE", value) for value in ("arn:aws:iam::1:role/x", "ünïcode")),
        ("DAYPASS_REQUIRE_ATTRIBUTION", "maybe"),
        ("DAYPASS_ONE_CORE", "two"),
    ],
)
def test_an_invalid_value_is_refused_with_the_variable_and_what_it_takes(variable: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"^{variable} has an invalid value. It takes "):
        read(**{variable: value})


def test_an_invalid_value_is_not_repeated_because_it_may_be_a_secret() -> None:
    with pytest.raises(ConfigError) as refused:
        read(DAYPASS_PUBLIC_URL="daypass_pat_canary")

    assert "canary" not in str(refused.value)


def test_without_tls_on_all_addresses_the_missing_public_url_is_reported_too() -> None:
    with pytest.raises(ConfigError) as refused:
        read(DAYPASS_LISTEN="0.0.0.0:8443")

    assert "without TLS" in str(refused.value)
    assert "DAYPASS_PUBLIC_URL is not set." in str(refused.value)


@pytest.mark.parametrize("listen", ["0.0.0.0:8443", "[::]:8443", "192.0.2.1:80"])
def test_the_network_is_served_over_tls_only(listen: str, tmp_path: Path) -> None:
    pem = tmp_path / "x.pem"
    pem.touch()
    url = {"DAYPASS_LISTEN": listen, "DAYPASS_PUBLIC_URL": "https://portal.example.com"}

    with pytest.raises(ConfigError, match=r"without TLS.*DAYPASS_TLS_CERTIFICATE.*DAYPASS_BEHIND_PROXY"):
        read(**url)
    assert read(**url, DAYPASS_BEHIND_PROXY="true").is_behind_proxy
    assert read(**url, DAYPASS_TLS_CERTIFICATE=str(pem), DAYPASS_TLS_KEY=str(pem)).serves_tls


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        ("127.0.0.1:0", "http://127.0.0.1:0"),
        ("localhost:1", "http://127.0.0.1:1"),
        ("[::1]:2", "http://[::1]:2"),
    ],
)
def test_loopback_needs_no_tls_and_names_itself(listen: str, url: str) -> None:
    assert read(DAYPASS_LISTEN=listen).public_url == url


def test_a_wildcard_address_needs_a_public_url() -> None:
    with pytest.raises(ConfigError, match=r"DAYPASS_PUBLIC_URL is not set"):
        read(DAYPASS_LISTEN="0.0.0.0:8443", DAYPASS_BEHIND_PROXY="true")


def test_a_certificate_without_its_key_is_refused_and_so_is_a_missing_file(tmp_path: Path) -> None:
    pem = tmp_path / "x.pem"
    pem.touch()

    with pytest.raises(ConfigError, match=r"DAYPASS_TLS_KEY is not set. Certificate and key belong together"):
        read(DAYPASS_TLS_CERTIFICATE=str(pem))
    with pytest.raises(ConfigError, match=r"DAYPASS_TLS_CERTIFICATE is not set"):
        read(DAYPASS_TLS_KEY=str(pem))
    with pytest.raises(ConfigError, match=r"DAYPASS_TLS_CERTIFICATE.*none.pem cannot be read .No such file"):
        read(DAYPASS_TLS_CERTIFICATE=str(tmp_path / "none.pem"))
    with pytest.raises(ConfigError, match=r"DAYPASS_TLS_KEY.*cannot be read .Is a directory"):
        read(DAYPASS_TLS_CERTIFICATE=str(pem), DAYPASS_TLS_KEY=str(tmp_path))


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("us-east-1", "aws"),
        ("us-gov-west-1", "aws-us-gov"),
        ("cn-north-1", "aws-cn"),
        ("eusc-de-east-1", "aws-eusc"),
        ("us-west-2", "aws"),
        ("mx-central-1", "aws"),
    ],
)
def test_the_region_determines_the_partition(region: str, partition: str) -> None:
    assert read(DAYPASS_AWS_REGION=region).aws.partition == partition


@pytest.mark.parametrize("region", ["eu central 1", "eu_central", "évry-1", "../x", "us-est-1", "us-east-1a"])
def test_a_malformed_region_is_refused(region: str) -> None:
    with pytest.raises(ConfigError, match=r"^DAYPASS_AWS_REGION: .*region"):
        read(DAYPASS_AWS_REGION=region)


def test_a_misspelled_region_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match=r"us-est-1 is not an AWS region. Did you mean us-east-1"):
        read(DAYPASS_AWS_REGION="us-est-1")


def test_an_unknown_region_is_accepted_if_it_is_listed_as_extra() -> None:
    aws = read(DAYPASS_AWS_REGION="nz-south-1", DAYPASS_EXTRA_REGIONS="nz-south-1").aws

    assert (aws.region, aws.partition, "nz-south-1" in aws.extra_regions) == ("nz-south-1", "aws", True)


def test_console_links_go_to_the_configured_aws_endpoint() -> None:
    aws = read(DAYPASS_AWS_ENDPOINT_URL="http://127.0.0.1:4566/").aws

    assert {aws.endpoint_url, aws.signin_url, aws.console_url} == {"http://127.0.0.1:4566"}


def test_an_empty_variable_counts_as_not_set() -> None:
    empty = {variable.name: " " for variable in VARIABLES if variable.name != "DAYPASS_AWS_REGION"}

    assert read(**empty) == read()


@pytest.mark.parametrize("region", ["us-iso-east-1", "us-isob-east-1", "eu-isoe-west-1", "us-isof-south-1"])
def test_a_region_of_an_isolated_partition_is_refused(region: str) -> None:
    with pytest.raises(ConfigError, match=rf"DAYPASS_AWS_REGION={region} is in the partition aws-iso"):
        read(DAYPASS_AWS_REGION=region)


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda variable: variable.name)
def test_every_variable_is_documented(variable: Variable[object]) -> None:
    assert variable.help.endswith(".")
    assert not variable.takes.endswith(".")
    assert f"### `{variable.name}`" in configuration_page()
