"""The types of permission sets, and the two built-in sets."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NewType, Self

PermissionSetId = NewType("PermissionSetId", str)

Statement = Mapping[str, Any]
"""A statement of an IAM policy."""

LOWEST_RANK, HIGHEST_RANK = 0, 1000
"""The ranks of the built-in sets; those of custom sets lie between them."""

_AWS_ARN = re.compile(r"arn:aws[a-z-]*:iam::aws:policy/(.+)")


class PermissionSetKind(StrEnum):
    """The origin of a permission set."""

    BUILT_IN = "built-in"
    CUSTOM = "custom"
    """Made by an Administrator."""


@dataclass(frozen=True, slots=True)
class ManagedPolicy:
    """A managed policy by name, so that it exists in the account and partition of each role."""

    name: str
    """The name with its path, such as `job-function/ViewOnlyAccess`; without a slash in front."""
    is_aws_managed: bool

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `aws:NAME` for a policy of AWS and `NAME` for one of the role's account.

        The ARN of a policy of AWS, in any partition, is accepted too.
        """
        if arn := _AWS_ARN.fullmatch(text):
            return cls(arn[1], is_aws_managed=True)
        is_aws_managed = text.startswith("aws:")
        return cls(text.removeprefix("aws:"), is_aws_managed)

    @property
    def text(self) -> str:
        """The text that `parse` reads."""
        return f"aws:{self.name}" if self.is_aws_managed else self.name

    def arn(self, partition: str, account_id: str) -> str:
        """Return the ARN for a role of this account."""
        owner = "aws" if self.is_aws_managed else account_id
        return f"arn:{partition}:iam::{owner}:policy/{self.name}"


@dataclass(frozen=True, slots=True)
class PermissionSet:
    """The access of a session: a tenant's permissions, reduced by session policies or by a role of its own.

    Two sets are equal only if every field is, so a release notices a set that was changed meanwhile.
    """

    id: PermissionSetId
    name: str
    description: str
    rank: int
    """Of the sets that a user has, a session gets the one with the highest rank if the request names none."""
    kind: PermissionSetKind = PermissionSetKind.CUSTOM
    policies: tuple[ManagedPolicy, ...] = ()
    """The policies that allow; with none, everything that `denies` does not deny is allowed."""
    denies: str = "[]"
    """Deny statements: the JSON text of an array, as `grammar.denies_text` returns it."""
    has_own_role: bool = False
    """Whether its sessions are of a role made for it in each tenant; then it has no session policies."""

    @property
    def is_built_in(self) -> bool:
        """Whether the set is one of the two that every portal has."""
        return self.kind is PermissionSetKind.BUILT_IN

    @property
    def is_only_a_role(self) -> bool:
        """Whether the set consists of a role of its own and nothing else, as every set with a role must."""
        return self.has_own_role and not self.policies and not self.deny_statements

    @property
    def deny_statements(self) -> Sequence[Statement]:
        """The Deny statements."""
        statements: list[Statement] = json.loads(self.denies)
        return statements


FULL = PermissionSet(
    PermissionSetId("full"),
    "full",
    "Everything that the role allows.",
    HIGHEST_RANK,
    PermissionSetKind.BUILT_IN,
)
READ_ONLY = PermissionSet(
    PermissionSetId("read-only"),
    "read-only",
    "Reads that change nothing for others.",
    LOWEST_RANK,
    PermissionSetKind.BUILT_IN,
)

BUILT_IN: Mapping[str, PermissionSet] = {each.name: each for each in (FULL, READ_ONLY)}
"""The built-in sets by name, which is also their id. They have no rows, and broker code renders them."""


@dataclass(frozen=True, slots=True)
class PermissionSetTemplate:
    """A suggestion for a custom set; it has no effect until an Administrator creates a set of it."""

    name: str
    description: str
    rank: int
    policies: Sequence[str]
    """In the form that `ManagedPolicy.parse` reads."""
    denies: Sequence[Statement]
