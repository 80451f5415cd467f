"""A check of AWS's own behaviour, and its result."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from daypass.portal.aws.fence.live.trial import Trial


class Answer(StrEnum):
    """AWS's answer to a request."""

    ALLOWED = "allowed"
    DENIED = "denied"
    REFUSED = "refused"
    """AWS answered with an error; its code does not matter."""
    NONE = "none"
    """The request could not be made, or AWS answered with an error that does not show IAM's decision."""


@dataclass(frozen=True, slots=True)
class LiveCheck:
    """One request to AWS with an expected answer."""

    id: str
    tried: str
    """The request, as a sentence without its final stop."""
    expected: Answer
    question: str
    """The question about AWS that the answer settles."""
    deviation: str
    """The meaning of another answer, and the remedy."""
    call: "Callable[[Trial], object]"
    """Makes the request; may return a text that is shown with the result. Raises botocore's errors."""
    passes: Collection[str] = ()
    """Error codes that AWS gives after IAM has allowed the request."""


@dataclass(frozen=True, slots=True)
class LiveResult:
    """The answer to a check."""

    check: LiveCheck
    answer: Answer
    code: str
    """AWS's error code, or the text that the check returned."""

    @property
    def is_expected(self) -> bool:
        """Whether the answer is the expected one."""
        return self.answer is self.check.expected
