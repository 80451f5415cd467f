"""Commands that the documentation shows exist, with their options; and the reference has every command."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs_site.stage import ROOT
from tests.reference.command_tree import Node, every_command, root_node, top_commands
from tests.reference.registry import FOLDER

DOCUMENTS = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")])

_SPAN = re.compile(r"`+([^`\n]+)`+")
_CALL = re.compile(
    # Where a shell, a unit file, a profile or a pipeline expects a command, after variables for it alone.
    r"(?:^\s*|[|;&(`\"'] *|[$:] +|\b(?:time|exec|sudo(?: -u \w+)?) "
    r"|\b(?:ExecStart|credential_process) ?= ?\"?)"
    r"(?:[A-Z_]+=\S* +)*(?:[\w.~-]*/)*daypass((?: +[^|;&`)>\"\n]+)+)"
)
_WORD = re.compile(r"[a-z][a-z_-]*\Z")
_OPTION = re.compile(r"(--[a-z-]+|-[A-Za-z])(=.*)?\Z")


def called_commands(text: str) -> Iterator[str]:
    """Yield the words after `daypass` in the code blocks and code spans of a document."""
    is_code = False
    for line in text.splitlines():
        if re.match(r" *(```|~~~)", line):
            is_code = not is_code
            continue
        for code in [line] if is_code else _SPAN.findall(line):
            # A comment names no command, and neither does a message of the command line.
            code = re.sub(r"(^|\s)#.*", "", code)
            if not code.startswith("daypass:"):
                yield from _CALL.findall(code.replace("\\", ""))


def mistake_in(words: list[str]) -> str:
    """Return the first word that is no command or option, or an empty string."""
    node = root_node()
    known = {**top_commands()}
    while words and known and _WORD.match(words[0]):
        if words[0] not in known:
            return words[0]
        node = known[words.pop(0)]
        known = {**node.subcommands}
    options = _names(node) | {"--version"} if node.path == "daypass" else _names(node)
    for word in words:
        if word == "--":
            break
        option = _OPTION.match(word)
        if option and option[1] not in options:
            return option[1]
        if node.path == "daypass exec" and not option and words[0] == word:
            break
    return ""


def _names(node: Node) -> set[str]:
    return {name for option in node.options for name in (*option.opts, *option.secondary_opts)}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_in_the_documentation_exists(document: Path) -> None:
    mistakes = {
        f"daypass{call}": mistake
        for call in called_commands(document.read_text(encoding="utf-8"))
        if (mistake := mistake_in(call.split()))
    }

    assert mistakes == {}


@pytest.mark.parametrize(
    ("code", "mistake"),
    [
        ("$ daypass configure --host https://portal.example.com --all", ""),
        ("time daypass aws --tenant dev01 >/dev/null", ""),
        ('eval "$(daypass env --tenant dev01)"', ""),
        ("daypass exec --tenant dev01 -- aws s3 cp --recursive a b", ""),
        ("daypass portal audit verify --heads heads.jsonl", ""),
        ("daypass signin", "signin"),
        ("DAYPASS_HOST=a daypass aws --tennant dev01", "--tennant"),
        ("daypass portal audit prove", "prove"),
        ('x="$(daypass env --set)"', "--set"),
    ],
)
def test_a_wrong_command_is_found(code: str, mistake: str) -> None:
    calls = list(called_commands(f"```\n{code}\n```"))

    assert [mistake_in(call.split()) for call in calls] == [mistake]


def test_commands_are_found_in_many_documents() -> None:
    found = [call for document in DOCUMENTS for call in called_commands(document.read_text(encoding="utf-8"))]

    assert len(found) > 300


@pytest.mark.parametrize("node", list(every_command()), ids=lambda node: node.path)
def test_every_command_and_option_is_in_the_reference(node: Node) -> None:
    text = (FOLDER / "cli.md").read_text(encoding="utf-8")
    section = re.search(rf"^##+ {re.escape(node.path)}$(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL)

    assert section
    missing = {option.opts[0] for option in node.options if not option.hidden} - set(
        re.findall(r"`(--?[\w-]+)", section[1])
    )
    assert missing <= {"--help", "-h"}
