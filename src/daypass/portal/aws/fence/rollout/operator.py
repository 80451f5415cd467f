"""The operator's credentials, and errors of AWS in the operator's words."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ProfileNotFound
from botocore.parsers import ResponseParserError
from botocore.session import Session

from daypass.portal.accounts.model import Account
from daypass.portal.aws.errors import answered, error_for_code, invalid_response, not_answered
from daypass.portal.aws.iam_errors import refusal_of
from daypass.portal.aws.partitions import PARTITIONS
from daypass.portal.aws.transport.proxy import boto_proxies, service_urls
from daypass.portal.config.model import AwsConfig
from daypass.portal.errors import (
    AwsError,
    AwsMisconfigured,
    AwsRefused,
    AwsUnavailable,
)

if TYPE_CHECKING:
    from types_boto3_iam import IAMClient

# Retries follow the operator's own environment (AWS_MAX_ATTEMPTS, AWS_RETRY_MODE).
_CONFIG = Config(connect_timeout=5, read_timeout=20)


@dataclass(frozen=True, slots=True)
class Operator:
    """The identity with which an operator changes an account."""

    arn: str
    account: Account
    iam: "IAMClient"

    @contextmanager
    def guard(self, act: str, actions: str) -> Iterator[None]:
        """Translate botocore's errors; *act* is what is attempted, *actions* the IAM actions it needs."""
        with _translated(self.arn, act, actions):
            yield


def sign_in(config: AwsConfig, profile: str | None) -> Operator:
    """Return the operator of the AWS profile, or of the environment's credentials; raises an `AwsError`."""
    act = "tell who you are"
    with _translated("you", act, "sts:GetCallerIdentity"):
        session = Session(profile=profile)
        answer = _client(session, config, "sts", config.region).get_caller_identity()
        arn, account_id = str(answer["Arn"]), str(answer["Account"])
        iam: IAMClient = _client(session, config, "iam", PARTITIONS[config.partition].iam_region)
    partition = arn.split(":")[1]
    if partition != config.partition:
        raise AwsMisconfigured(
            f"Your credentials are of the partition {partition}, and DAYPASS_AWS_REGION is in "
            f"{config.partition}. Use other credentials, or another region."
        )
    account = Account.known(
        config.partition, account_id, config.role_prefix, config.master_role, region=config.region
    )
    return Operator(arn, account, iam)


def _client(session: Session, config: AwsConfig, service: str, region: str) -> Any:  # noqa: ANN401  boto3's own
    # Importing boto3 takes a third of a second, and other commands do not need it.
    import boto3

    wrapped: Any = boto3.Session(botocore_session=session)
    proxies = boto_proxies(service_urls(config)[service])
    return wrapped.client(
        service,
        region_name=region,
        endpoint_url=config.endpoint_url,
        config=_CONFIG.merge(Config(proxies=proxies)),
    )


@contextmanager
def _translated(identity: str, act: str, actions: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        said = str(error.response.get("Error", {}).get("Message", ""))
        raise answered(_refusal(code, identity, act, actions), f"AWS, asked to {act},", code, said) from error
    except NoCredentialsError as error:
        raise AwsMisconfigured(
            "There are no AWS credentials. Set AWS_PROFILE, use --profile, or set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY."
        ) from error
    except ProfileNotFound as error:
        raise AwsMisconfigured(
            "AWS's configuration files have no such profile. Check --profile, AWS_PROFILE and "
            "AWS_CONFIG_FILE."
        ) from error
    except BotoCoreError as error:
        # Not botocore's text, which may contain the output of a credential process.
        unreachable = AwsUnavailable(f"AWS did not answer in time, asked to {act}. Try again in a moment.")
        raise not_answered(unreachable, str(error.kwargs.get("endpoint_url", "AWS")), error) from error
    except (ResponseParserError, KeyError) as error:
        # botocore's parser raises KeyError for an answer without its result element.
        raise AwsRefused(
            f"The answer is not one of AWS, asked to {act}. Check the endpoint and any proxy."
        ) from error


def _refusal(code: str, identity: str, act: str, actions: str) -> AwsError:
    known = error_for_code(code, "", "")
    if isinstance(known, AwsMisconfigured):
        return AwsMisconfigured(f"AWS does not accept your credentials ({code}). Renew them.")
    if known.reason == invalid_response().reason:
        return AwsRefused(f"The answer is not one of AWS, asked to {act}. Check the endpoint and any proxy.")
    return refusal_of(code, act, actions, "there is no such role or policy", identity=identity)
