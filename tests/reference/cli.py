"""The reference page of the command line."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from inspect import cleandoc

import click

from daypass.cli.runtime.errors import EXIT_CODES, CommandNotExecutable, CommandNotFound
from tests.reference.command_tree import Node, every_command, top_commands
from tests.reference.markdown import table, with_code, wrap, wrapped

_HEAD = """\
<!-- Written by scripts/reference from the commands' own help, where changes are made. -->

# Command-line reference

Every command of `daypass` with its options and exit codes. [The command line](../guides/cli.md) explains how
the commands are used, and [the AWS CLI and SDKs](../guides/aws-cli.md) what profiles and the cache do. Every
command has the option `--help`, which shows the same text in a terminal; `daypass --version` prints the
version.
"""

_SHARED_BY = 4
"""An option that this many commands have, with the same text, is described once."""

_GROUPS: Mapping[str, str] = {
    "jit": (
        "For scripts that call `duploctl jit` or `duplo-jit`: the same commands under the names and options "
        "of these programs. [From duploctl](../guides/from-duploctl.md) describes the differences."
    ),
    "portal": (
        "For operators, on the portal's host. These commands need the extra `server`, and read [the portal's "
        "configuration](../guides/run-the-portal.md). Unless a command says otherwise, the exit code is 1 if "
        "the configuration or the database cannot be used, and standard error has the reason."
    ),
    "sandbox": "A local AWS for tests. It needs the extra `sandbox`.",
    "demo": "The portal and the sandbox together. It needs the extras `server` and `sandbox`.",
}
"""The introductions of the sections below the user's commands."""

_OTHER_EXIT_CODES = {
    CommandNotExecutable.exit_code: "`daypass exec`: the command cannot be run",
    CommandNotFound.exit_code: "`daypass exec`: there is no such command",
    130: "interrupted with Ctrl-C",
}

_SEE_EXIT_CODES = "The exit codes are listed in `daypass --help`."
_VARIABLES = re.compile(r" ?\[(?P<names>[A-Z][A-Z_]+(?:=1)?(?:, [A-Z_]+)*)\]$")


_WIDEST = 30
"""The most characters of choices beside an option's name; more are a sentence of its meaning."""

_VALUES = {"integer range": "N", "text": "TEXT", "filename": "FILE", "path": "PATH", "file": "PATH"}
"""The placeholders for values, by the name of click's type."""


def cli_page() -> str:
    """Return the page of all commands, in Markdown."""
    shared = _shared_options()
    users = [node for name, node in top_commands().items() if name not in _GROUPS]
    parts = [wrapped(_HEAD), "## Commands for users", _overview(users)]
    for node in _leaves(users):
        parts += _command(node, shared)
    for name, introduction in _GROUPS.items():
        node = top_commands()[name]
        parts += [f"## {node.path}", wrap(introduction)]
        if node.subcommands:
            parts.append(_overview(_leaves([node])))
            for leaf in _leaves([node]):
                parts += _command(leaf, shared)
        else:
            parts += _body(node, shared)
    parts += ["## Shared options", "Options that several commands have.", _options(shared.values())]
    parts += ["## Exit codes", wrap(_ABOUT_EXIT_CODES), _exit_codes()]
    return "\n\n".join(parts) + "\n"


_ABOUT_EXIT_CODES = (
    "Commands for users, and those of `daypass jit`, end with these codes. A command that differs says so "
    "in its section."
)


def _exit_codes() -> str:
    codes = {**EXIT_CODES, **_OTHER_EXIT_CODES}
    return table(("code", "meaning"), ((str(code), meaning) for code, meaning in codes.items()))


def _leaves(nodes: Iterable[Node]) -> list[Node]:
    paths = tuple(node.path for node in nodes)
    return [
        leaf for leaf in every_command() if f"{leaf.path} ".startswith(tuple(f"{path} " for path in paths))
    ]


def _overview(nodes: Sequence[Node]) -> str:
    leaves = _leaves(nodes)
    return table(
        ("command", "what it does"),
        ((f"[`{leaf.path}`](#{anchor(leaf)})", with_code(leaf.short_help)) for leaf in leaves),
    )


def anchor(node: Node) -> str:
    """Return the anchor of a command's heading, as in the site and in a repository's view."""
    return node.path.replace(" ", "-")


def _command(node: Node, shared: Mapping[str, click.Option]) -> Iterator[str]:
    yield f"### {node.path}"
    yield from _body(node, shared)


def _body(node: Node, shared: Mapping[str, click.Option]) -> Iterator[str]:
    context = click.Context(node.command, info_name=node.path)
    usage = " ".join(node.command.collect_usage_pieces(context))
    yield f"```text\n{node.path} {usage}\n```"
    yield from _description(node.command.help or "")
    visible = _visible(node)
    own = [option for option in visible if _key(option) not in shared]
    if own:
        yield _options(own)
    if common := [f"`{_long(option)}`" for option in visible if _key(option) in shared]:
        label = "Shared options" if own else "Options"
        yield wrap(f"{label}: {', '.join(common)} ([described below](#shared-options)).")


def _shared_options() -> Mapping[str, click.Option]:
    """Return the options that are described once, by `_key`."""
    options = [option for node in every_command() for option in _visible(node)]
    uses = Counter(_key(option) for option in options)
    return {_key(option): option for option in options if uses[_key(option)] >= _SHARED_BY}


def _visible(node: Node) -> list[click.Option]:
    return [option for option in node.options if not option.hidden and "--help" not in option.opts]


def _key(option: click.Option) -> str:
    return f"{' '.join(option.opts)} {option.help}"


def _long(option: click.Option) -> str:
    return max(option.opts, key=len)


def _options(options: Iterable[click.Option]) -> str:
    return table(("option", "meaning"), ((_names(option), _meaning(option)) for option in options))


def _names(option: click.Option) -> str:
    value = "" if option.is_flag else f" {_value(option)}"
    short = [f"`{name}`" for name in option.opts if name != _long(option)]
    return ", ".join([f"`{_long(option)}{value}`", *short])


def _value(option: click.Option) -> str:
    if option.metavar:
        return option.metavar
    if isinstance(option.type, click.Choice):
        return _choices(option.type) if len(_choices(option.type)) <= _WIDEST else "NAME"
    if isinstance(option.type, click.DateTime):
        return "TIME"
    return _VALUES.get(option.type.name, "VALUE")


def _choices(kind: click.Choice[str]) -> str:
    return "|".join(kind.choices)


def _meaning(option: click.Option) -> str:
    text = option.help or ""
    variables = _VARIABLES.search(text)
    text = _VARIABLES.sub("", text)
    sentences = [with_code(text)] if text else []
    if option.required:
        sentences.append("Required.")
    if isinstance(option.type, click.Choice) and len(_choices(option.type)) > _WIDEST:
        sentences.append(f"One of {', '.join(f'`{choice}`' for choice in option.type.choices)}.")
    if isinstance(option.type, click.DateTime):
        sentences.append("As `2026-11-30` or `2026-11-30T12:00:00`.")
    if isinstance(option.type, click.IntRange):
        least, most = option.type.min, option.type.max
        sentences.append(f"From {least} to {most}." if most is not None else f"At least {least}.")
    if option.show_default and option.default is not None:
        sentences.append(f"Default: `{option.default}`.")
    if variables:
        names = [f"`{name}`" for name in variables["names"].split(", ")]
        sentences.append(f"Variable: {names[0]}." if len(names) == 1 else f"Variables: {', '.join(names)}.")
    return " ".join(sentences)


def _description(text: str) -> Iterator[str]:
    """Yield the paragraphs and code blocks of a command's help.

    click marks a paragraph that it must not wrap by a line with a backspace.
    """
    for paragraph in cleandoc(text).split("\n\n"):
        if paragraph.startswith("\b\n"):
            yield from _unwrapped(paragraph.removeprefix("\b\n").splitlines())
        else:
            text = " ".join(paragraph.split()).replace(_SEE_EXIT_CODES, "[Exit codes](#exit-codes).")
            yield wrap(with_code(text))


def _unwrapped(lines: Sequence[str]) -> Iterator[str]:
    code: list[str] = []
    for line in lines:
        # Between blocks of code stand lines such as "To remove them:".
        if line[:1].isupper() and line.endswith(":"):
            if code:
                yield _block(code)
            code = []
            yield wrap(with_code(line))
        else:
            code.append(line)
    if code:
        yield _block(code)


def _block(lines: Sequence[str]) -> str:
    return f"```text\n{cleandoc(chr(10).join(lines))}\n```"
