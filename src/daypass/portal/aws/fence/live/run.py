"""The run of the checks: the trial begins, each check is made, and everything is removed again."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from daypass.portal.aws.fence.live.checks import CHECKS
from daypass.portal.aws.fence.live.model import Answer, LiveCheck, LiveResult
from daypass.portal.aws.fence.live.resources import find_earlier, prepare, remove
from daypass.portal.aws.fence.live.trial import Endpoint, Identity, Names, NotPossible, Trial
from daypass.portal.errors import AwsRefused

_DENIALS = frozenset(
    {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"}
    | {"AuthorizationErrorException", "AWS.SimpleQueueService.AccessDenied"}
)
_DRY_RUN = "DryRunOperation"
"""The code with which EC2 answers a dry run that IAM allows."""
_INTERVAL = 3.0


@dataclass(frozen=True, slots=True)
class LiveVerification:
    """The run in one account."""

    operator: Identity
    endpoint: Endpoint
    names: Names
    patience: float
    """The seconds for which a check is repeated until its answer is expected: IAM's changes take time."""
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]

    def clean_up_earlier(self) -> Iterator[tuple[Names, Sequence[str]]]:
        """Remove what earlier runs left; yields each run's names and what could not be removed."""
        for names in find_earlier(self.operator, self.names.account):
            yield names, remove(self.operator, names)

    def run(self) -> Iterator[LiveResult]:
        """Yield the result of each check; raises botocore's errors, and `AwsRefused` if no session works.

        The caller calls `remove` afterwards, in any case.
        """
        trial = Trial(self.names, self.operator, self.endpoint)
        prepare(trial)
        self._wait_for(trial)
        for check in CHECKS:
            yield self._make(check, trial)

    def remove(self) -> Sequence[str]:
        """Remove everything of this run and return what could not be removed; idempotent."""
        return remove(self.operator, self.names)

    def _wait_for(self, trial: Trial) -> None:
        """Wait until both roles can be assumed and the fence allows something; else all would be denied."""
        deadline = self.monotonic() + self.patience
        while True:
            try:
                trial.untagged("sts")
                trial.tenant("sqs").get_queue_attributes(QueueUrl=trial.queue_url(trial.names.own_queue))
            except (ClientError, NotPossible) as error:
                if self.monotonic() >= deadline:
                    raise AwsRefused(
                        f"The new role {trial.names.prefix} cannot be used ({_code(error)}), so no check was "
                        "made. Your identity needs sts:AssumeRole, sts:SetSourceIdentity and sts:TagSession."
                    ) from error
                self.sleep(_INTERVAL)
            else:
                return

    def _make(self, check: LiveCheck, trial: Trial) -> LiveResult:
        deadline = self.monotonic() + self.patience
        while True:
            result = _result(check, trial)
            if result.is_expected or self.monotonic() >= deadline:
                return result
            self.sleep(_INTERVAL)


def _result(check: LiveCheck, trial: Trial) -> LiveResult:
    try:
        said = check.call(trial)
    except ClientError as error:
        code = _code(error)
        return LiveResult(check, _answer(check, code), code)
    except NotPossible as error:
        return LiveResult(check, Answer.NONE, error.code)
    except (BotoCoreError, ResponseParserError, LookupError) as error:
        # Not the text of the error, which may contain a proxy's password.
        return LiveResult(check, Answer.NONE, type(error).__name__)
    return LiveResult(check, Answer.ALLOWED, said if isinstance(said, str) else "")


def _answer(check: LiveCheck, code: str) -> Answer:
    if check.expected is Answer.REFUSED:
        return Answer.REFUSED
    if code in _DENIALS:
        return Answer.DENIED
    return Answer.ALLOWED if code == _DRY_RUN or code in check.passes else Answer.NONE


def _code(error: ClientError | NotPossible) -> str:
    if isinstance(error, NotPossible):
        return error.code
    return str(error.response.get("Error", {}).get("Code", ""))
