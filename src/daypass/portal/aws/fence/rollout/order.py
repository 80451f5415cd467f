"""The order of changes to the policies that all roles of an account share.

A role may do what its policies and its boundary both allow, and nothing that a Deny in any of them covers.
All roles of the account change with each step. After every step, each request that is allowed was allowed
before the first step, or will be after the last; each request that is allowed both before and after stays
allowed, except while a statement moves from one policy to another. Decision 0074 has the proof.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from daypass.portal.accounts.model import LEVEL_POLICY_PREFIX, Generation
from daypass.portal.aws.fence.documents import LARGEST_MANAGED_POLICY, policy_name, size
from daypass.portal.aws.fence.rollout.statements import (
    Parsed,
    common,
    equal,
    parsed,
    united,
    without_idle_denies,
    written,
)
from daypass.portal.aws.policies import Document, document

_BOUNDARY = Generation.SHARED.boundary
_GUARDS = policy_name("guards")

Policies = Mapping[str, Document | None]
"""The documents of managed policies by name; None for a policy that does not exist."""


@dataclass(frozen=True, slots=True)
class Change:
    """The replacement of the document of one managed policy."""

    name: str
    document: Document
    reason: str


class TooLarge(Exception):
    """Temporary contents of a policy are larger than IAM allows."""

    def __init__(self, name: str, size: int) -> None:
        super().__init__(
            f"On the way, {name} has to deny what its present and its new contents deny, which takes {size} "
            f"characters; IAM allows {LARGEST_MANAGED_POLICY}."
        )


def changes(current: Policies, wanted: Mapping[str, Document]) -> Sequence[Change]:
    """Return the changes that lead from *current* to *wanted*, in a safe order; raises `TooLarge`.

    The attached policies of *wanted* must allow nothing outside its boundary, and deny all that its boundary
    denies, as those of the catalogue do. *current* may be anything.
    """
    path = _Path(current, wanted)
    return list(path.forward())


def changes_back(former: Policies, current: Mapping[str, Document]) -> Sequence[Change]:
    """Return the changes that lead from *current*, contents of the catalogue, back to *former*.

    They pass through the states of the way forth, in the opposite order. Raises `TooLarge`.
    """
    states: list[tuple[str, Document | None]] = []
    present: dict[str, Document | None] = dict(former)
    for change in changes(former, current):
        states.append((change.name, present[change.name]))
        present[change.name] = change.document
    return [
        Change(name, before, "back to the contents before the last rollout, in the opposite order")
        for name, before in reversed(states)
        if before is not None
    ]


def changes_with_pause(current: Policies, wanted: Mapping[str, Document]) -> Sequence[Change]:
    """Return changes that first deny everything to all tenants, and last allow it again."""
    nothing = document({"Sid": "Paused", "Effect": "Deny", "Action": "*", "Resource": "*"})
    paused = (_GUARDS, _BOUNDARY)
    pause = [
        Change(name, nothing, "deny everything until the last step")
        for name in paused
        if current.get(name) is not None
    ]
    others = [name for name in wanted if name not in paused]
    last = [_BOUNDARY, _GUARDS]
    end = [
        Change(name, wanted[name], "new contents")
        for name in (*others, *last)
        if name in wanted and (name in paused or not equal(current.get(name), wanted[name]))
    ]
    return [*pause, *end]


class _Path:
    """The states of the policies on the way to the wanted ones."""

    def __init__(self, current: Policies, wanted: Mapping[str, Document]) -> None:
        self._now: dict[str, Document | None] = {name: current.get(name) for name in wanted}
        self._old = dict(self._now)
        self._wanted = wanted
        self._levels = [name for name in wanted if name.startswith(LEVEL_POLICY_PREFIX)]
        self._attached = [name for name in wanted if name != _BOUNDARY and name not in self._levels]

    def forward(self) -> Iterator[Change]:
        """Yield the changes; a policy that already has the contents of a step is left out."""
        for name in self._levels:
            old = self._old[name]
            if old is not None:
                narrow = _narrower(old, self._wanted[name])
                yield from self._put(name, narrow, "allow only what both the present and the new level do")
        for name in self._attached:
            yield from self._put(name, self._allows(name, self._old), "deny more before anything is allowed")
        for name in sorted(self._attached, key=self._loses_more_than_it_gains):
            yield from self._put(
                name, self._allows(name, self._wanted), "allow what the new fence allows, within the boundary"
            )
        if _BOUNDARY in self._wanted:
            yield from self._put(
                _BOUNDARY, self._wanted[_BOUNDARY], "the attached policies allow nothing outside it by now"
            )
        for name in self._attached:
            yield from self._put(name, self._wanted[name], "deny only what the new fence denies")
        for name in self._levels:
            yield from self._put(name, self._wanted[name], "the roles have their new fence by now")

    def _put(self, name: str, contents: Document, reason: str) -> Iterator[Change]:
        if equal(self._now[name], contents):
            return
        if self._now[name] is None:
            contents, reason = self._wanted[name], "it does not exist; a new policy is attached to no role"
        if contents is not self._wanted[name] and size(contents) > LARGEST_MANAGED_POLICY:
            raise TooLarge(name, size(contents))
        self._now[name] = contents
        yield Change(name, contents, reason)

    def _allows(self, name: str, source: Policies) -> Document:
        """Return the Allow statements that *source* has for a policy, with its old and its new Denies."""
        old, new = parsed(self._old[name]), parsed(self._wanted[name])
        allows = [statement for statement in parsed(source[name]) if not statement.is_deny]
        denies = _more_denies(_denies(old), _denies(new))
        contents = [*allows, *denies]
        return _document_of(contents, self._old[name], self._wanted[name])

    def _loses_more_than_it_gains(self, name: str) -> int:
        """Return a rank: policies that only gain come first, so that a moved statement is not missed."""
        old = [statement for statement in parsed(self._old[name]) if not statement.is_deny]
        new = [statement for statement in parsed(self._wanted[name]) if not statement.is_deny]
        return 2 * (not _contain(new, old)) + _contain(old, new)


def _narrower(old: Document, new: Document) -> Document:
    """Return a level that allows no more than either of two; it is one of them where that is enough."""
    both = without_idle_denies(common(parsed(old), parsed(new)))
    contents = written(both)
    for level in (old, new):
        if equal(contents, written(without_idle_denies(parsed(level)))):
            return level
    return contents


def _more_denies(old: Sequence[Parsed], new: Sequence[Parsed]) -> Sequence[Parsed]:
    """Return statements that deny what either denies, in the words of one of them where that is enough."""
    if _contain(old, new):
        return old
    return new if _contain(new, old) else united(new, old)


def _denies(statements: Sequence[Parsed]) -> Sequence[Parsed]:
    return [statement for statement in statements if statement.is_deny]


def _contain(statements: Sequence[Parsed], others: Sequence[Parsed]) -> bool:
    return all(any(one.covers(other) for one in statements) for other in others)


def _document_of(statements: Sequence[Parsed], *known: Document | None) -> Document:
    """Return the statements as a policy; as one of the *known* ones, with its Sids, if it is equal."""
    contents = written(statements)
    for policy in known:
        if policy is not None and equal(policy, contents):
            return policy
    return contents
