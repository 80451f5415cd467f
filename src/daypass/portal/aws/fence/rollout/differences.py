"""The difference between two policies as lines that a person reads."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from daypass.portal.aws.fence.rollout.statements import Parsed, parsed


def patch(old: Mapping[str, object] | None, new: Mapping[str, object]) -> Sequence[str]:
    """Return the statements that differ, each with its removed (`-`) and added (`+`) parts."""
    before, after = parsed(old), parsed(new)
    removed = [statement for statement in before if statement not in after]
    added = [statement for statement in after if statement not in before]
    lines: list[str] = []
    for statement in removed:
        # The same statement with other actions, or with other resources.
        partner = _partner(statement, added)
        if partner is None:
            lines += _whole("-", statement)
        else:
            added.remove(partner)
            lines += _changed(statement, partner)
    for statement in added:
        lines += _whole("+", statement)
    return lines


def _partner(statement: Parsed, others: Sequence[Parsed]) -> Parsed | None:
    same = [
        other
        for other in others
        if _kind(other) == _kind(statement)
        and (other.actions == statement.actions or other.resources == statement.resources)
    ]
    same.sort(
        key=lambda other: -len(other.actions & statement.actions) - len(other.resources & statement.resources)
    )
    return same[0] if same else None


def _kind(statement: Parsed) -> tuple[object, ...]:
    return statement.effect, statement.condition, statement.all_actions_but, statement.all_resources_but


def _whole(mark: str, statement: Parsed) -> Iterator[str]:
    yield f"{mark} {_title(statement)}"
    yield from _parts(mark, "", statement.actions)
    yield from _parts(mark, "on ", statement.resources)


def _changed(old: Parsed, new: Parsed) -> Iterator[str]:
    yield f"  {_title(new)}"
    if old.resources == new.resources:
        on = sorted(new.resources)
        yield f"      on {on[0]}" + (f" and {len(on) - 1} more" if on[1:] else "")
    yield from _parts("-", "", old.actions - new.actions)
    yield from _parts("+", "", new.actions - old.actions)
    yield from _parts("-", "on ", old.resources - new.resources)
    yield from _parts("+", "on ", new.resources - old.resources)


def _title(statement: Parsed) -> str:
    actions = " all actions but" if statement.all_actions_but else ""
    resources = ", on all resources but those named," if statement.all_resources_but else ""
    condition = "" if statement.condition == "{}" else f" if {statement.condition}"
    return f"{statement.effect}{actions}{resources}{condition}"


def _parts(mark: str, word: str, texts: Iterable[str]) -> Iterator[str]:
    for text in sorted(texts):
        yield f"{mark}     {word}{text}"
