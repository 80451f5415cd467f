"""The form of a permission set: its fields, and each error beside the field that has it."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from daypass.portal.admin.permission_sets.service import Definition
from daypass.portal.errors import InvalidRequest
from daypass.portal.http.layout.forms import Form
from daypass.portal.permission_sets import grammar
from daypass.portal.permission_sets.model import HIGHEST_RANK, PermissionSet, PermissionSetTemplate

_BEGIN = re.compile(r'\s*\[|.*?"Statement"\s*:\s*\[?', re.DOTALL)
_LONGEST_NUMBER = 6

TENANT_ROLE, OWN_ROLE = "tenant", "own"
"""The values of the field *Access comes from*."""

_ROLES = (
    (TENANT_ROLE, "The tenant's role"),
    (OWN_ROLE, "A role of its own in each tenant"),
)


@dataclass(frozen=True, slots=True)
class SetForm:
    """The fields of the form as text, and their errors by the field's name."""

    name: str = ""
    description: str = ""
    rank: str = str(HIGHEST_RANK // 2)
    role: str = TENANT_ROLE
    """The role whose permissions the set reduces: `TENANT_ROLE` or `OWN_ROLE`.

    With a role of its own, a set has neither policies nor denies. Their text is only kept for the form.
    """
    policies: str = ""
    """One policy a line."""
    denies: str = ""
    """Deny statements as JSON: an array, or a whole policy document."""
    version: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def submitted(cls, form: Form, name: str) -> "SetForm":
        """Return the fields that were submitted for the set *name*."""
        return cls(
            name=name,
            description=form.get("description"),
            rank=form.get("rank"),
            role=form.get("role") or TENANT_ROLE,
            policies=_lines(form, "policies"),
            denies=_lines(form, "denies"),
            version=form.get("version"),
        )

    @classmethod
    def of(cls, permission_set: PermissionSet, version: str) -> "SetForm":
        """Return the fields that define an existing set."""
        return cls(
            name=permission_set.name,
            description=permission_set.description,
            rank=str(permission_set.rank),
            role=OWN_ROLE if permission_set.has_own_role else TENANT_ROLE,
            policies="\n".join(policy.text for policy in permission_set.policies),
            denies=_formatted(permission_set.deny_statements),
            version=version,
        )

    @classmethod
    def from_template(cls, template: PermissionSetTemplate) -> "SetForm":
        """Return the fields that a template suggests."""
        return cls(
            name=template.name,
            description=template.description,
            rank=str(template.rank),
            policies="\n".join(template.policies),
            denies=_formatted(template.denies),
        )

    @property
    def roles(self) -> Sequence[tuple[str, str]]:
        """The values and labels of the field *Access comes from*."""
        return _ROLES

    @property
    def deny_lines(self) -> int:
        """The height of the field with the Deny statements, in lines."""
        return min(max(self.denies.count("\n") + 2, 6), 24)


class InvalidFields(Exception):
    """The form has errors; `errors` has a sentence for each field that has one."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(errors)
        self.errors = errors


def read_definition(form: SetForm, is_known_action: grammar.ActionCheck) -> Definition:
    """Return the definition in the fields; raises `InvalidFields` with an error for every wrong field."""
    errors: dict[str, str] = {}

    def checked(name: str, check: Callable[[], Any]) -> Any:  # noqa: ANN401  what *check* returns
        try:
            return check()
        except InvalidRequest as refusal:
            errors[name] = refusal.reason
            return None

    checked("name", lambda: grammar.check_name(form.name))
    rank = checked("rank", lambda: _rank(form.rank))
    has_own_role = checked("role", lambda: _has_own_role(form.role))
    policies: Sequence[str] = []
    denies: Sequence[object] = []
    if has_own_role:
        # The name of an existing set is not a field of the form.
        checked("role" if form.version else "name", lambda: grammar.check_name_with_role(form.name))
    else:
        policies = checked("policies", lambda: _policies(form.policies))
        denies = checked("denies", lambda: read_denies(form.denies, is_known_action))
    if errors:
        raise InvalidFields(errors)
    return Definition(form.description, rank, policies, denies, has_own_role)


def read_denies(text: str, is_known_action: grammar.ActionCheck) -> Sequence[object]:
    """Return the Deny statements in *text*; raises `InvalidRequest` with the line of the first error.

    The text is empty, an array of statements, one statement, or a policy document.
    """
    if not text.strip():
        return []
    statements = _statements(_decoded(text))
    for number, (statement, line) in enumerate(
        zip(statements, _lines_of_statements(text, len(statements)), strict=True), 1
    ):
        try:
            grammar.deny_statement(statement, is_known_action)
        except InvalidRequest as refusal:
            raise InvalidRequest(f"Line {line}, statement {number}: {refusal.reason}") from refusal
    grammar.denies_text(statements, is_known_action)
    return statements


def _policies(text: str) -> Sequence[str]:
    texts = [line.strip() for line in text.splitlines() if line.strip()]
    for number, each in enumerate(texts, 1):
        try:
            grammar.policies_of([each])
        except InvalidRequest as refusal:
            raise InvalidRequest(f"Policy {number}: {refusal.reason}") from refusal
    grammar.policies_of(texts)
    return texts


def _has_own_role(text: str) -> bool:
    if text not in {TENANT_ROLE, OWN_ROLE}:
        raise InvalidRequest("Choose the tenant's role or a role of its own.")
    return text == OWN_ROLE


def _rank(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER):
        raise InvalidRequest("Enter a number.")
    grammar.check_rank(int(text))
    return int(text)


def _decoded(text: str) -> object:
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise InvalidRequest(
            f"Line {error.lineno}, column {error.colno}: this is not JSON ({error.msg})."
        ) from error
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("This JSON is nested too deeply, or has a number that is too long.") from error


def _unique(pairs: Sequence[tuple[str, object]]) -> Mapping[str, object]:
    """Return a JSON object; without this check the first of two equal keys would have no effect."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidRequest(f"“{twice[:60]}” is twice in one JSON object. Write it once.")
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=_unique)


def _statements(value: object) -> Sequence[object]:
    if isinstance(value, Mapping) and "Statement" in value:
        value = value["Statement"]
    if isinstance(value, Mapping):
        return [value]
    if isinstance(value, list):
        return value
    raise InvalidRequest("Line 1: write Deny statements as a JSON array, in the form of IAM policies.")


def _lines_of_statements(text: str, number: int) -> Sequence[int]:
    """Return the line on which each of *number* statements in *text* begins; the text is valid JSON."""
    begin, lines = _BEGIN.match(text), list[int]()
    position = 0 if begin is None else begin.end()
    for _ in range(number):
        while text[position].isspace() or text[position] == ",":
            position += 1
        lines.append(text.count("\n", 0, position) + 1)
        _, position = _DECODER.raw_decode(text, position)
    return lines


def _formatted(statements: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps([dict(each) for each in statements], indent=2, ensure_ascii=False) if statements else ""


def _lines(form: Form, name: str) -> str:
    # Browsers submit CRLF line breaks.
    return form.raw(name).replace("\r\n", "\n").strip("\n")
