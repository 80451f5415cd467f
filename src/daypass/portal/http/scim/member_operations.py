"""The operations of a PATCH on the members of a group (RFC 7644, section 3.5.2).

They are applied to a set of ids, because a PATCH of one member must not cost more in a group of thousands. A
value beside a removal counts: Entra ID removes members by `Remove`, `members` and a list of values, which by
the RFC would empty the group.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from daypass.portal.errors import ScimRefused
from daypass.portal.http.scim.discovery import GROUP
from daypass.portal.http.scim.documents import Document

_MEMBERS = "members"
_OPS = ("add", "replace", "remove")
_PATH = re.compile(rf"(?:{re.escape(GROUP)}:)?members\b(.*)", re.IGNORECASE | re.DOTALL)
_ONE = re.compile(r'\[\s*value\s+eq\s+("(?:[^"\\]|\\.)*")\s*\]', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class MemberOperation:
    """An operation on the members."""

    op: str
    """`add`, `replace` or `remove`."""
    ids: frozenset[str] | None
    """The ids that are added, kept as the only ones, or removed; None removes all members."""

    def apply(self, members: frozenset[str]) -> frozenset[str]:
        """Return what *members* become."""
        if self.op == "add":
            return members | (self.ids or frozenset())
        if self.op == "replace" or self.ids is None:
            return self.ids or frozenset()
        # A member who is gone already is no error: the provider wants exactly that.
        return members - self.ids


def member_operations(content: Document) -> tuple[Sequence[MemberOperation], Document | None]:
    """Return the operations on members, and the PATCH without them, or None if it has no others.

    Raises `ScimRefused`. The caller applies the rest, with its own checks of the form.
    """
    operations = next((value for name, value in content.items() if name.lower() == "operations"), None)
    # scim2-models refuses these with its own message.
    if not isinstance(operations, list) or not operations:
        return (), content
    found: list[MemberOperation] = []
    others: list[object] = []
    for each in operations:
        own, other = _split(each)
        found += own
        others += other
    return found, {"schemas": content.get("schemas"), "Operations": others} if others else None


def _split(operation: object) -> tuple[list[MemberOperation], list[object]]:
    """Return what an operation does to the members, and the operation without it."""
    if not isinstance(operation, dict):
        return [], [operation]
    fields = {str(name).lower(): value for name, value in operation.items()}
    path, value = fields.get("path"), fields.get("value")
    if isinstance(path, str) and (match := _PATH.fullmatch(path.strip())):
        return [_on_path(_op(fields), match[1].strip(), fields)], []
    # An operation without a path has an object of attributes as its value (RFC 7644, section 3.5.2.1).
    if path or not isinstance(value, dict):
        return [], [operation]
    inside = {name: each for name, each in value.items() if _PATH.fullmatch(str(name))}
    rest = {name: each for name, each in value.items() if name not in inside}
    own = [_on_path(_op(fields), _PATH.fullmatch(name)[1], {"value": each}) for name, each in inside.items()]  # type: ignore[index]  # matched above
    return own, [{**operation, "value": rest}] if rest or not inside else []


def _op(fields: Document) -> str:
    op = str(fields.get("op")).lower()
    if op not in _OPS:
        raise ScimRefused("invalidValue", "An operation is add, replace or remove.")
    return op


def _on_path(op: str, suffix: str, fields: Document) -> MemberOperation:
    if not suffix:
        if op == "remove" and "value" not in fields:
            return MemberOperation(op, None)
        return MemberOperation(op, _ids(fields.get("value")))
    one = _ONE.fullmatch(suffix)
    if one is None or op != "remove":
        raise ScimRefused(
            "invalidPath", 'Members are added by the path members, and removed by members[value eq "ID"].'
        )
    try:
        return MemberOperation(op, frozenset({str(json.loads(one[1]))}))
    except ValueError:
        raise ScimRefused("invalidPath", "The id in the path is no string of JSON.") from None


def _ids(value: object) -> frozenset[str]:
    """Return the ids of a list of members, or of one; raises `ScimRefused`."""
    members = value if isinstance(value, list) else [value]
    return frozenset(_id(each) for each in members)


def _id(member: object) -> str:
    fields = {str(name).lower(): value for name, value in member.items()} if isinstance(member, dict) else {}
    value = fields.get("value")
    if not isinstance(value, str) or not value:
        raise ScimRefused("invalidValue", "A member is an object with the id of a user as its value.")
    return value
