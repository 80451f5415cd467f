"""Translation of botocore's errors of management calls, such as those to IAM, into the portal's."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from daypass.portal.aws.errors import (
    answered,
    count_errors,
    error_for_code,
    find_clock_refusal,
    invalid_response,
    not_answered,
    unreachable,
)
from daypass.portal.aws.transport.connection import read_date
from daypass.portal.clock import utc_now
from daypass.portal.errors import (
    AwsError,
    AwsNotAllowed,
    AwsRefused,
    AwsThrottled,
    AwsTrustRefused,
    AwsUnavailable,
    RoleNotFound,
)


@contextmanager
def classified(
    act: str, actions: str, missing: str = "there is no such role", *, service: str = "iam"
) -> Iterator[None]:
    """Translate botocore's errors; *act* is the attempted action, *actions* the IAM actions it needs.

    *missing* is the explanation for the code NoSuchEntity. The errors count as those of *service*.
    """
    with count_errors(service), _translated(act, actions, missing):
        yield


@contextmanager
def _translated(act: str, actions: str, missing: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        refusal = _find_clock_refusal(error, code) or refusal_of(code, act, actions, missing)
        said = str(error.response.get("Error", {}).get("Message", ""))
        raise answered(refusal, f"AWS, asked to {act},", code, said) from error
    except BotoCoreError as error:
        # Not botocore's text, which may contain the output of a credential process.
        raise not_answered(unreachable(), str(error.kwargs.get("endpoint_url", "AWS")), error) from error
    except (ResponseParserError, KeyError) as error:
        # botocore's parser raises KeyError for an answer without its result element.
        raise invalid_response() from error


def _find_clock_refusal(error: ClientError, code: str) -> AwsError | None:
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    aws_time = read_date(headers.get("date", ""))
    return find_clock_refusal(
        code, str(error.response.get("Error", {}).get("Message", "")), aws_time, utc_now()
    )


def refusal_of(code: str, act: str, actions: str, missing: str, *, identity: str = "the portal") -> AwsError:
    """Return the error for a code of AWS; *identity* names the caller, the rest is as in `classified`."""
    if code in {"NoSuchEntity", "NoSuchEntityException"}:
        return RoleNotFound(f"AWS could not {act}: {missing}.")
    known = error_for_code(code, "", "")
    if isinstance(known, AwsTrustRefused):
        return AwsNotAllowed(f"AWS does not let {identity} {act}. It takes {actions}.")
    if isinstance(known, AwsThrottled):
        return AwsThrottled(f"AWS throttled the request to {act}. Try again in a few minutes.")
    if isinstance(known, AwsUnavailable):
        return AwsUnavailable(f"AWS reported an internal error and could not {act}. Try again.")
    return AwsRefused(f"AWS refused to {act} ({code}).") if isinstance(known, AwsRefused) else known
