"""Writing and removing profiles in the text of an AWS config file, with every other byte unchanged.

Lines are parsed by the rules of Python's configparser, as in the AWS CLI.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from daypass.cli.awsconfig.reader import profile_of
from daypass.cli.awsconfig.sources import PROCESS, proper_header
from daypass.cli.runtime.errors import UsageError
from daypass.common.origins import is_loopback

MARK = "# Written by `daypass configure`, which also removes it with --prune."
"""The comment that marks the profiles that Daypass wrote."""

_REGION, _ENDPOINT = "region", "endpoint_url"

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
_HEADER = re.compile(r"\[(.+)\]")
_OPTION = re.compile(r"(.*?)\s*(?:[=:]\s*(.*))?$")


@dataclass(frozen=True, slots=True)
class Profile:
    """The content of a profile that Daypass writes."""

    name: str
    command: str
    region: str | None
    endpoint_url: str | None = None
    """The endpoint of an AWS on this machine; empty for AWS itself; None leaves the setting unchanged."""

    @property
    def header(self) -> str:
        """The first line of its section."""
        return proper_header(self.name)


@dataclass(slots=True)
class Section:
    """A header and the lines below it; the lines before the first header are a section without one."""

    header: str | None
    lines: list[str] = field(default_factory=list)

    @property
    def profile(self) -> str | None:
        """The name of the section's profile; None if the section is not a profile."""
        return profile_of(self.header or "")

    @property
    def is_ours(self) -> bool:
        """Return whether `daypass configure` wrote the section."""
        return any(line.strip() == MARK for line in self.lines)

    def value(self, name: str) -> str | None:
        """Return the value of a setting, without continuation lines; None if it is not set."""
        for option, start, _ in self._options():
            if option == name:
                return (_OPTION.match(self.lines[start].strip()) or [""] * 3)[2] or ""
        return None

    @property
    def names(self) -> list[str]:
        """The names of all settings."""
        return [option for option, _, _ in self._options()]

    def set(self, name: str, value: str, newline: str) -> None:
        """Set *name* in the line that sets it already, else after the last setting; remove duplicates."""
        line = f"{name} = {value}{newline}"
        spans = [(start, end) for option, start, end in self._options() if option == name]
        for start, end in reversed(spans[1:]):
            del self.lines[start:end]
        if spans:
            self.lines[slice(*spans[0])] = [line]
            return
        ends = [end for _, _, end in self._options()]
        marks = [number for number, text in enumerate(self.lines, 1) if text.strip() == MARK]
        position = max([*ends, *marks[:1], 0 if self.header is None else 1])
        if position and not self.lines[position - 1].endswith(("\n", "\r")):
            self.lines[position - 1] += newline
        self.lines.insert(position, line)

    def unset(self, name: str) -> None:
        """Remove *name* and its value."""
        for option, start, end in reversed(list(self._options())):
            if option == name:
                del self.lines[start:end]

    def unset_loopback_endpoint(self) -> None:
        """Remove a loopback endpoint_url, which was written for a portal on this machine."""
        if is_loopback(self.value(_ENDPOINT) or ""):
            self.unset(_ENDPOINT)

    def _options(self) -> Iterator[tuple[str, int, int]]:
        """Yield each setting's name and the range of its lines (start, end)."""
        options: list[tuple[str, int, int]] = []
        indent = 0
        for number, line in enumerate(self.lines):
            text = line.strip()
            if not text or text.startswith(("#", ";")) or (number == 0 and self.header is not None):
                continue
            if options and _indent(line) > indent:
                name, start, _ = options[-1]
                options[-1] = (name, start, number + 1)
            else:
                indent = _indent(line)
                match = _OPTION.match(text)
                options.append((match[1].rstrip().lower() if match else text, number, number + 1))
        yield from options


class Config:
    """An AWS config file."""

    def __init__(self, content: bytes) -> None:
        # With surrogateescape, bytes that are not UTF-8 are written back unchanged.
        text = content.decode("utf-8", "surrogateescape")
        self.sections = _sections(text)
        first = re.search(r"\r\n|\n|\r", text)
        self._newline = first[0] if first else "\n"

    def to_bytes(self) -> bytes:
        """Return the content of the file."""
        text = "".join(line for section in self.sections for line in section.lines)
        return text.encode("utf-8", "surrogateescape")

    def find(self, name: str) -> Section | None:
        """Return the section of the profile, or None; raises `UsageError` if there are two."""
        sections = [section for section in self.sections if section.profile == name]
        if len(sections) > 1:
            raise UsageError(f"The profile {name} is in the AWS config file twice. Remove one of them.")
        return sections[0] if sections else None

    def put(self, profile: Profile, *, overwrites_region: bool = False) -> None:
        """Add *profile*, or change the necessary settings of the existing one."""
        section = self.find(profile.name)
        if section is None:
            section = self._append(profile)
        if profile.region is not None and (overwrites_region or _REGION not in section.names):
            section.set(_REGION, profile.region, self._newline)
        if profile.endpoint_url:
            section.set(_ENDPOINT, profile.endpoint_url, self._newline)
        elif profile.endpoint_url is not None and section.is_ours:
            section.unset_loopback_endpoint()
        section.set(PROCESS, profile.command, self._newline)

    def prune(self, is_gone: Callable[[str], bool]) -> dict[str, str]:
        """Remove our profiles for whose command *is_gone* returns true; return their names and commands.

        Settings that the user added to a profile stay.
        """
        gone = {
            section.profile: section
            for section in self.sections
            if section.is_ours and section.profile and is_gone(section.value(PROCESS) or "")
        }
        commands = {name: section.value(PROCESS) or "" for name, section in gone.items()}
        for section in gone.values():
            section.unset(PROCESS)
            section.lines = [line for line in section.lines if line.strip() != MARK]
            section.unset_loopback_endpoint()
            if section.names in ([], [_REGION]):
                section.unset(_REGION)
                del section.lines[0]
        return commands

    def _append(self, profile: Profile) -> Section:
        last = self.sections[-1].lines
        if last:
            if not last[-1].endswith(("\n", "\r")):
                last[-1] += self._newline
            if last[-1].strip():
                last.append(self._newline)
        lines = [profile.header + self._newline, MARK + self._newline]
        self.sections.append(Section(profile.header[1:-1], lines))
        return self.sections[-1]


def _sections(text: str) -> list[Section]:
    sections = [Section(None)]
    # A line that is indented more than the setting before it continues that setting, even if it has brackets.
    setting_indent: int | None = None
    for line in _LINE.findall(text):
        content = line.strip().removeprefix("\ufeff")
        if content and not content.startswith(("#", ";")):
            is_continued = setting_indent is not None and _indent(line) > setting_indent
            header = None if is_continued else _HEADER.match(content)
            if header:
                sections.append(Section(header[1]))
                setting_indent = None
            elif not is_continued:
                setting_indent = _indent(line)
        sections[-1].lines.append(line)
    return sections


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
