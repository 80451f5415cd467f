"""The calls to IAM that give a managed policy other contents, and the record of the contents before.

A policy keeps its former version, so that a rollback only has to make it the default again. Tags of the
boundary name the former versions of all policies: they are set in one call, before the first change.
"""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256

from daypass.portal.accounts.model import Generation
from daypass.portal.accounts.rollout import Step
from daypass.portal.aws.fence.rollout.account_state import PolicyState
from daypass.portal.aws.fence.rollout.order import Change
from daypass.portal.aws.fence.rollout.statements import equal
from daypass.portal.aws.fence.shared import digest
from daypass.portal.aws.policies import Document, to_json

MOST_VERSIONS = 5
"""The number of versions that IAM keeps of a managed policy."""

_BOUNDARY = Generation.SHARED.boundary
_ROLLOUT, _DONE, _FORMER = "daypass:rollout", "daypass:rollout-done", "daypass:former:"


def rollout_id(wanted: Mapping[str, Document]) -> str:
    """Return the name of the rollout of these policies in tags."""
    return sha256("".join(digest(wanted[name]) for name in sorted(wanted)).encode()).hexdigest()[:16]


def former_versions(policies: Mapping[str, PolicyState]) -> Mapping[str, str]:
    """Return the versions in force before the last rollout, by policy."""
    boundary = policies.get(_BOUNDARY)
    tags = {} if boundary is None else boundary.tags
    return {key.removeprefix(_FORMER): value for key, value in tags.items() if key.startswith(_FORMER)}


class Rollout:
    """Turns changes of contents into calls; knows the versions that exist after each call."""

    def __init__(self, policies: Mapping[str, PolicyState], wanted: Mapping[str, Document]) -> None:
        self._policies = policies
        self._id = rollout_id(wanted)
        self._tags = policies[_BOUNDARY].tags if _BOUNDARY in policies else {}
        # The versions that exist now, by policy; those that the plan creates are never deleted by it.
        self._ids = {name: [version.id for version in policy.versions] for name, policy in policies.items()}
        self._created = dict.fromkeys(policies, 0)
        self._kept = {name: {policy.default_id} for name, policy in policies.items()}
        for name, version_id in self._formers().items():
            self._kept[name].add(version_id)

    def steps(self, changes: Sequence[Change]) -> Iterator[Step]:
        """Yield the calls that make all *changes*, with the record before and after them."""
        is_begun = self._tags.get(_ROLLOUT) == self._id
        if changes and not is_begun and self._policies[_BOUNDARY].exists:
            yield self._record()
        for change in changes:
            yield from self.put(change)
        if self._tags.get(_DONE) != self._id and (changes or is_begun):
            yield _tag_boundary(
                self._policies,
                {_ROLLOUT: self._id, _DONE: self._id},
                "note that this rollout is complete",
                "the next rollout keeps these versions for its rollback",
            )

    def put(self, change: Change) -> Iterator[Step]:
        """Yield the calls that make one change, without a record."""
        policy = self._policies[change.name]
        if not policy.exists:
            yield _create(policy, change)
            return
        present = next(
            (
                version.id
                for version in policy.versions
                if version.id in self._ids[change.name] and equal(version.document, change.document)
            ),
            None,
        )
        if present is not None:
            yield Step(
                "set_default_policy_version",
                {"PolicyArn": policy.arn, "VersionId": present},
                f"{change.name}: make version {present} the default again",
                change.reason,
            )
            self._kept[change.name].add(present)
            return
        yield from self._make_room(policy)
        self._created[change.name] += 1
        yield Step(
            "create_policy_version",
            {"PolicyArn": policy.arn, "PolicyDocument": to_json(change.document), "SetAsDefault": True},
            f"{change.name}: add a version and make it the default",
            change.reason,
        )

    def _make_room(self, policy: PolicyState) -> Iterator[Step]:
        ids = self._ids[policy.name]
        if len(ids) + self._created[policy.name] < MOST_VERSIONS:
            return
        oldest = next(version_id for version_id in ids if version_id not in self._kept[policy.name])
        ids.remove(oldest)
        yield Step(
            "delete_policy_version",
            {"PolicyArn": policy.arn, "VersionId": oldest},
            f"{policy.name}: delete version {oldest}",
            f"IAM keeps {MOST_VERSIONS} versions, and this is the oldest that is neither in force nor former",
        )

    def _formers(self) -> Mapping[str, str]:
        """Return the versions to go back to, by policy, once this rollout has begun."""
        recorded = former_versions(self._policies)
        is_unfinished = self._tags.get(_DONE) != self._tags.get(_ROLLOUT)
        # The contents of an unfinished rollout are not worth going back to.
        keeps = self._tags.get(_ROLLOUT) == self._id or is_unfinished
        return {
            name: recorded[name] if keeps and policy.version(recorded.get(name)) else policy.default_id
            for name, policy in self._policies.items()
            if policy.exists
        }

    def _record(self) -> Step:
        formers = {f"{_FORMER}{name}": version_id for name, version_id in self._formers().items()}
        return _tag_boundary(
            self._policies,
            {_ROLLOUT: self._id, **formers},
            "note the versions that are in force",
            "a rollback makes them the default again",
        )


def _tag_boundary(
    policies: Mapping[str, PolicyState], tags: Mapping[str, str], sentence: str, reason: str
) -> Step:
    return Step(
        "tag_policy",
        {
            "PolicyArn": policies[_BOUNDARY].arn,
            "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
        },
        f"{_BOUNDARY}: {sentence} (tags)",
        reason,
    )


def _create(policy: PolicyState, change: Change) -> Step:
    return Step(
        "create_policy",
        {"PolicyName": policy.name, "PolicyDocument": to_json(change.document)},
        f"{policy.name}: create the policy",
        change.reason,
    )
